// jobs/hash/hash_run.h - hashing a stream of names on all cores, results in the order of the names.
//
//   HashSource -> [workers] -> HashSink
//
// There is a worker for each P and no other goroutine: a worker asks the source for a task, hashes
// it, and hands it to the sink when all before it are done, or leaves that to who does the one
// before. So nobody waits for anybody while there is work, and no P changes hands. Tasks are begun
// ahead of what is delivered by a fixed number: that bounds the memory, whatever the tree. A worker
// that meets large files while others are idle gives part of its task away. A task may say in which
// order its files are best read; delivered they are in its own.
//
// A file that cannot be hashed is a result like any other: nothing stops but by the sink's will.
// Not chosen: a job graph of walk, hash and write, where the first failure ends the run, and
//   nothing between the stages keeps the order. Goroutines of their own for source and sink,
//   with channels between: each task woke three threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/disk/turning_disks.h"
#include "jobs/hash/digest.h"
#include "jobs/hash/hash_files.h"
#include "jobs/hash/hash_meter.h"
#include "jobs/system_error.h"
#include "runtime/sync.h"

namespace gorun::jobs {

/// Names of a task at most; usually they are far fewer.
inline constexpr std::size_t kHashTaskNames = 4096;

struct HashTask {
  std::uint64_t number = 0;  // in the order of delivery, from 0
  std::vector<std::string> names;
  std::vector<std::uint32_t> reading_order;        // indices of names; empty: as they are
  std::vector<Algorithm> algorithms;               // for all of them
  std::vector<std::string> expected;               // of a check: hex, one a name; else empty
  std::vector<SystemError> errors;                 // found by the source, before these names
  std::vector<std::optional<HashResult>> results;  // one a name

  /// Which name is to be read as number `i`.
  [[nodiscard]] std::size_t name_to_read(std::size_t i) const {
    return reading_order.empty() ? i : reading_order[i];
  }
};

class HashSource {
 public:
  virtual ~HashSource() = default;
  /// Fills in all but `results`, at most kHashTaskNames names; false: there is no more.
  /// threads  any workers at once, on goroutines; may park.
  virtual bool next(HashTask* task) = 0;
};

/// A source that is asked by one worker at a time, and need not number its tasks.
class SerialHashSource : public HashSource {
 public:
  bool next(HashTask* task) final;

 private:
  /// As next(), but for the number. Runs in a blocking section.
  virtual bool fill(HashTask* task) = 0;

  runtime::Mutex mutex_;           // held in fill()
  std::uint64_t next_number_ = 0;  // guarded by mutex_
};

class HashSink {
 public:
  virtual ~HashSink() = default;
  /// False: enough; the run ends as soon as it can.
  /// threads  one at a time, in the order of the tasks; on a worker's goroutine, and may park.
  virtual bool take(HashTask&& task) = 0;
};

struct HashRunOptions {
  Sha256Path path = Sha256Path::kAuto;
  TurningDisks* disks = nullptr;  // nullptr: none is queued for
  DigestCache* cache = nullptr;   // nullptr: all files are read
  HashMeter* meter = nullptr;     // made for runtime::procs() workers; nullptr: nobody looks on
};

/// threads  on a goroutine, which parks; returns when all goroutines of the run have ended.
void run_hash(HashSource& source, HashSink& sink, const HashRunOptions& options);

}  // namespace gorun::jobs
