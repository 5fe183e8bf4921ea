// jobs/sort/record_writers.h - goroutines that write down what the sort stage has been given, while
// it takes more.
//
// The batches of a group stay until somebody has copied their items to records. They have a budget
// of bytes: who wants to give more than is left of it waits until others are done with.
//
// Not chosen: so many groups, and no more. How much a group keeps depends on who made its items:
// one short item may keep a block of a megabyte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "jobs/batch.h"
#include "jobs/sort/sorted_runs.h"
#include "runtime/chan.h"
#include "runtime/semaphore.h"
#include "runtime/wait_group.h"

namespace gorun::jobs {

/// Batches that are written down together, or lines that are.
struct RecordGroup {
  std::vector<Batch> batches;  // of `lines`: what keeps them, without items
  std::string_view lines;      // whole ones
  std::size_t kept_bytes = 0;  // of the blocks in which their items lie
  SortedRuns::Place place;     // of their records
};

/// threads  one at a time, on a goroutine, which parks.
class RecordWriters {
 public:
  using Write = std::function<void(const RecordGroup& group)>;
  /// most_kept  bytes of groups that are on their way; one that keeps more goes alone.
  /// write      is called by several goroutines at a time.
  RecordWriters(std::size_t goroutines, std::size_t most_kept, Write write);
  /// All that was given is written first.
  ~RecordWriters();
  RecordWriters(const RecordWriters&) = delete;
  RecordWriters& operator=(const RecordWriters&) = delete;

  /// Parks while others keep too much.
  void give(RecordGroup group);
  /// Returns when nothing is on its way.
  void wait();

 private:
  [[nodiscard]] std::int64_t share(const RecordGroup& group) const;

  const std::int64_t most_kept_;
  const Write write_;
  runtime::Semaphore free_;  // bytes
  runtime::Chan<RecordGroup> given_;
  runtime::WaitGroup helpers_;
};

}  // namespace gorun::jobs
