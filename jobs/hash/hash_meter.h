// jobs/hash/hash_meter.h - how far a run of hash_run.h is, for who looks on.
//
// The workers write, now and then: after a section of about a millisecond, never for a small file.
// Whoever draws a display reads, from any thread, and nobody waits for him longer than it takes to
// copy a name.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::jobs {

/// A file on its way.
struct FileUnderWay {
  std::string name;
  std::uint64_t size = 0;
  std::uint64_t read = 0;

  [[nodiscard]] std::uint64_t left() const { return size > read ? size - read : 0; }
};

class HashMeter {
 public:
  struct Figures {
    std::uint64_t files = 0;        // done, well or not
    std::uint64_t bytes = 0;        // read
    std::uint64_t known_files = 0;  // of `files`: those that did not have to be read
    std::uint64_t known_bytes = 0;  // in them
    /// Of the large files on their way the one with the most left to read.
    std::optional<FileUnderWay> slowest = std::nullopt;
  };

  explicit HashMeter(int workers) : desks_(static_cast<std::size_t>(workers)) {}

  void add_files(std::uint64_t files) { files_.fetch_add(files, std::memory_order_relaxed); }
  void add_bytes(std::uint64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }

  void add_known(std::uint64_t files, std::uint64_t bytes) {
    known_files_.fetch_add(files, std::memory_order_relaxed);
    known_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }

  /// Says what large file a worker is at; a size of 0: at none.
  /// threads  a worker for itself.
  void at_hand(std::size_t worker, std::string_view name, std::uint64_t size, std::uint64_t read);

  [[nodiscard]] Figures figures() const;

 private:
  struct Desk {
    mutable std::mutex mutex;  // alone; held for a few instructions, so it may block the thread
    FileUnderWay file;         // guarded by mutex; of size 0: none
  };
  std::atomic<std::uint64_t> files_{0};  // statistics: relaxed
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> known_files_{0};
  std::atomic<std::uint64_t> known_bytes_{0};
  std::vector<Desk> desks_;  // one a worker
};

}  // namespace gorun::jobs
