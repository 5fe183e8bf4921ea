// jobs/sort/record_writers.h - goroutines that write down what the sort stage has been given, while
// it takes more.
//
// The batches of a group stay until somebody has copied their items to records. There are so many
// groups, and no more, as memory is for their batches: who wants to fill another one waits for one
// to be done with.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "jobs/batch.h"
#include "jobs/sort/sorted_runs.h"
#include "runtime/chan.h"
#include "runtime/wait_group.h"

namespace gorun::jobs {

/// Batches that are written down together.
struct RecordGroup {
  std::vector<Batch> batches;
  SortedRuns::Place place;  // of their records
};

/// threads  one at a time, on a goroutine, which parks.
class RecordWriters {
 public:
  using Write = std::function<void(const RecordGroup& group)>;
  /// groups      that are on their way at most.
  /// write       is called by several goroutines at a time.
  RecordWriters(std::size_t goroutines, std::size_t groups, Write write);
  /// All that was given is written first.
  ~RecordWriters();
  RecordWriters(const RecordWriters&) = delete;
  RecordWriters& operator=(const RecordWriters&) = delete;

  /// Parks while all groups are on their way. Empties `group`.
  void give(RecordGroup* group);
  /// Returns when nothing is on its way.
  void wait();

 private:
  using GroupPtr = std::unique_ptr<RecordGroup>;

  const std::size_t groups_;
  const Write write_;
  runtime::Chan<GroupPtr> done_;
  runtime::Chan<GroupPtr> given_;
  runtime::WaitGroup helpers_;
};

}  // namespace gorun::jobs
