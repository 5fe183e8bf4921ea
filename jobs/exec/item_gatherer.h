// jobs/exec/item_gatherer.h - items for one command: exactly so many, unless they are too long for
// one or there are no more.
//
// The workers of a stage share one: items go in as they come to any of them, and whoever fills a
// command up runs it. So only the last command of a stage may be smaller, whatever the number of
// workers.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "jobs/batch.h"
#include "runtime/sync.h"

namespace gorun::jobs {

/// threads  any goroutine.
class ItemGatherer {
 public:
  /// items  of one command, at least 1; bytes: the most that they may weigh, but for a single one.
  ItemGatherer(std::size_t items, std::size_t bytes) : items_(items), bytes_(bytes) {}

  using Weigh = std::function<std::size_t(const Item&)>;
  /// Adds the items of `batch`; returns the commands that are full, in order.
  [[nodiscard]] std::vector<Batch> add(const Batch& batch, const Weigh& weigh);

  /// A worker that will add; and one that has no more to add: the last gets what is left.
  void join() { ++workers_; }  // before any of them runs
  [[nodiscard]] Batch leave();

 private:
  const std::size_t items_;
  const std::size_t bytes_;
  int workers_ = 0;  // guarded by lock_ once they run
  runtime::Mutex lock_;
  Batch pending_;                  // guarded by lock_
  std::size_t pending_bytes_ = 0;  // guarded by lock_
};

}  // namespace gorun::jobs
