// jobs/hash/hash_worker.h - one goroutine's share of hashing: a list of names, small and large.
//
// Small files go through FilesHasher in sections of about a millisecond, so that what a goroutine
// costs is paid per section and not per file. What is large and alone, or a tree, goes
// through hash_large_file(), which takes all cores. At a disk that turns a worker keeps its place
// for one list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "jobs/disk/disk_place.h"
#include "jobs/hash/digest.h"
#include "jobs/hash/hash_files.h"

namespace gorun::jobs {

/// Names that a worker takes at once: at ~5 us for a file of a few KiB, a third of a millisecond.
inline constexpr std::size_t kHashNamesAtOnce = 64;

/// What a worker tells who uses it; called on the worker's goroutine.
class HashObserver {
 public:
  virtual ~HashObserver() = default;

  /// Comes before each section. The last names that were not begun with may be given to others:
  /// returns how many, at most `untouched`.
  virtual std::size_t give_away(std::size_t untouched) = 0;
  /// A file is done. False: stop.
  virtual bool on_result(std::size_t index, HashResult&& result) = 0;
  /// So many bytes more were read. False: stop.
  virtual bool on_bytes(std::uint64_t bytes) = 0;
  /// Of the large files on their way the one with the most left to read; every few milliseconds.
  virtual void on_at_hand(const HashAtHand& /*file*/) {}
};

/// threads  one goroutine at a time.
class HashWorker {
 public:
  /// procs  goroutines for one large file.
  /// disks  outlive this; nullptr: none is queued for.
  /// cache  outlives this; nullptr: all files are read.
  HashWorker(std::span<const Algorithm> algorithms, Sha256Path path, int procs, TurningDisks* disks,
             DigestCache* cache);

  /// Hashes the files of these names. False: the observer has stopped it.
  [[nodiscard]] bool hash(std::span<const std::string_view> names, HashObserver& observer);

 private:
  [[nodiscard]] bool hash_all(std::span<const std::string_view> names, HashObserver& observer);
  [[nodiscard]] bool run(HashObserver& observer);
  [[nodiscard]] bool hash_large(OpenedFile opened, HashObserver& observer);

  const std::vector<Algorithm> algorithms_;
  const bool is_tree_;
  const int procs_;
  DigestCache* const cache_;
  DiskPlace place_;  // before hasher_, whose files know it
  FilesHasher hasher_;
  bool are_large_ = false;             // the files that hasher_ has at hand
  std::vector<HashOutcome> outcomes_;  // of the section at hand
};

}  // namespace gorun::jobs
