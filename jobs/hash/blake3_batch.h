// jobs/hash/blake3_batch.h - BLAKE3 of many messages at once, each in one piece.
//
// The chunks of one small message do not fill the lanes of a register, its parents even less, and
// its last chunk, which may end anywhere, would go alone. So the chunks of all messages are taken
// side by side, the last ones sorted by their length, then all parents of the lowest level, and so
// on up to the roots.
//
//   batch.add(bytes); batch.add(more); batch.compute(); batch.value(0); ...; batch.clear()
//
// Invariants
//   I1  values_ has the chaining values of a message one after the other, in order; after each
//       level there are half as many, at the front of the same place.
//   I2  A call of a kernel reads all of its inputs before it writes, and parents are written in
//       front of what the following calls read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "jobs/hash/blake3.h"

namespace gorun::jobs {

/// threads  one at a time.
class Blake3Batch {
 public:
  explicit Blake3Batch(std::span<const Blake3Kernel> kernels = blake3_kernels());

  /// `message`, which may be empty, stays in place until compute() has returned.
  void add(std::span<const std::uint8_t> message);
  [[nodiscard]] std::size_t size() const { return messages_.size(); }

  /// Comes once, when all are added.
  void compute();
  /// The digest of the message that was added as the i-th.
  [[nodiscard]] Blake3Value value(std::size_t i) const;

  /// Begins a new batch.
  void clear();

 private:
  struct Message {
    std::size_t first = 0;  // of its values in values_
    std::size_t count = 0;  // of those that are left
  };
  struct Chunk {
    Blake3Job job;         // without its place to write to, for values_ still grows
    std::size_t slot = 0;  // that place, in values_
  };

  [[nodiscard]] std::uint8_t* value_at(std::size_t slot) {
    return values_.data() + slot * kBlake3CvBytes;
  }
  void push(const std::vector<Chunk>& chunks);
  void push(const Blake3Job& job);
  void run_pushed();
  [[nodiscard]] bool compute_level();

  std::span<const Blake3Kernel> kernels_;
  std::vector<Message> messages_;
  std::vector<Chunk> whole_;  // those that are not the last of their message
  // The last ones, by their number of blocks.
  std::array<std::vector<Chunk>, kBlake3ChunkBytes / kBlake3BlockBytes> last_;
  std::vector<std::uint8_t> values_;
  std::size_t value_count_ = 0;
  std::array<Blake3Job, kMaxBlake3Lanes> pushed_;  // on their way to a kernel
  std::size_t pushed_count_ = 0;
};

}  // namespace gorun::jobs
