// jobs/sort/gathered_batches.h - the records of sorted entries as batches, in their order.
//
// To gather records from all over the memory takes longer than what comes after: goroutines on all
// cores do it, each some batches ahead of what is sent. They take turns, so that batch i is made by
// goroutine i modulo their number and waits in its channel.
//
// Not chosen: some batches on all cores, then all of them sent, and so on. While the one was done
// nobody did the other.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "jobs/batch.h"
#include "jobs/sort/sort_entry.h"
#include "runtime/chan.h"
#include "runtime/wait_group.h"

namespace gorun::jobs {

/// threads  a goroutine, which parks.
class GatheredBatches {
 public:
  /// The records and the memory of `entries` outlive this. procs  the number of Ps.
  GatheredBatches(std::span<const SortEntry> entries, int procs);
  /// Whoever is ahead stops and has ended.
  ~GatheredBatches();
  GatheredBatches(const GatheredBatches&) = delete;
  GatheredBatches& operator=(const GatheredBatches&) = delete;

  struct Next {
    Batch batch;
    std::span<const SortEntry> left_out;  // come next, and would make the batch too large
  };
  /// Nothing: that was all.
  [[nodiscard]] std::optional<Next> next();

 private:
  [[nodiscard]] std::span<const SortEntry> of_batch(std::size_t i) const;

  const std::span<const SortEntry> entries_;
  const std::size_t count_;  // of batches
  std::size_t next_ = 0;
  std::vector<runtime::Chan<Batch>> made_;  // one for each goroutine
  runtime::WaitGroup helpers_;
};

}  // namespace gorun::jobs
