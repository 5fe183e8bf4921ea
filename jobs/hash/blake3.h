// jobs/hash/blake3.h - BLAKE3 of bytes that come in pieces, or of parts that come from elsewhere.
//
// The input is cut into chunks of 1 KiB, the leaves of a binary tree in which every left subtree is
// complete. Only the last compression, the root, is told that it is one. So whatever is known not
// to be the end can be worked off at once and in any order: chunks side by side in the lanes of a
// register, parents as well, subtrees in different goroutines.
//
//   Blake3      a message in pieces
//   Blake3Tree  puts subtrees together: a large file, its parts hashed in parallel
//
// Invariants
//   I1  Blake3 holds back the last chunk until more comes: it may be the root.
//   I2  pending_ holds the chaining values of the chunks after the last complete group; a group is
//       aligned, so reducing it pairwise makes exactly the subtree that the tree has there.
//   I3  In Blake3Tree the sizes of the subtrees fall from left to right, but for the last one,
//   which
//       is merged only when another comes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "jobs/hash/blake3_kernels.h"

namespace gorun::jobs {

using Blake3Value = std::array<std::uint8_t, kBlake3CvBytes>;

/// A way to compute several chaining values.
struct Blake3Kernel {
  std::string_view name;
  std::size_t lanes = 0;
  Blake3Compress compress = nullptr;
  Blake3ComputeJobs compute_jobs = nullptr;
};

/// What this processor can do, the widest first; the last one has one lane.
[[nodiscard]] std::span<const Blake3Kernel> blake3_kernels();

/// The chaining value of a subtree that is not the whole message. `bytes` begins with chunk
/// `first_chunk`; its size is a power of two of chunks, or anything above 0 at the message's end.
/// threads  any.
[[nodiscard]] Blake3Value blake3_subtree(std::span<const std::uint8_t> bytes,
                                         std::uint64_t first_chunk);

/// Subtrees from left to right.
class Blake3Tree {
 public:
  /// chunks  a power of two that divides the number of chunks before it; for the last one any.
  void push(const Blake3Value& subtree, std::uint64_t chunks);
  /// The digest of the message. At least two subtrees were pushed. Begins a new message.
  [[nodiscard]] Blake3Value root();
  /// The chaining value of what was pushed, as a part of something larger. At least one subtree was
  /// pushed. Begins anew.
  [[nodiscard]] Blake3Value subtree();

  [[nodiscard]] std::uint64_t chunks() const { return chunks_; }
  [[nodiscard]] bool empty() const { return stack_.empty(); }
  void clear();

 private:
  [[nodiscard]] Blake3Value fold(std::uint32_t root_flag);

  std::vector<Blake3Value> stack_;
  std::uint64_t chunks_ = 0;  // in the whole stack
};

/// threads  one at a time.
class Blake3 {
 public:
  explicit Blake3(std::span<const Blake3Kernel> kernels = blake3_kernels());

  void update(std::span<const std::uint8_t> bytes);
  /// The digest; begins a new, empty message.
  [[nodiscard]] Blake3Value finish();
  void reset();

 private:
  // 64 chunks: four calls of the widest kernel, and parents enough to fill it.
  static constexpr std::size_t kGroupChunks = 64;

  void take_chunks(const std::uint8_t* bytes, std::size_t count);
  [[nodiscard]] std::uint64_t next_chunk() const { return tree_.chunks() + pending_count_; }

  std::span<const Blake3Kernel> kernels_;
  Blake3Tree tree_;
  std::size_t pending_count_ = 0;
  std::size_t partial_size_ = 0;
  alignas(64) std::array<std::uint8_t, (kGroupChunks + 1) * kBlake3CvBytes> pending_;
  alignas(64) std::array<std::uint8_t, kBlake3ChunkBytes> partial_;
};

}  // namespace gorun::jobs
