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
  /// What becomes of records: items, or whole lines in the text of one item, for entries of which
  /// all are texts.
  enum class Form : unsigned char { kItems, kLines };
  /// The records and the memory of `entries` outlive this.
  /// batch_items  entries for each batch.  procs  the number of Ps.
  GatheredBatches(std::span<const SortEntry> entries, std::size_t batch_items, Form form,
                  int procs);
  /// Whoever is ahead stops and has ended.
  ~GatheredBatches();
  GatheredBatches(const GatheredBatches&) = delete;
  GatheredBatches& operator=(const GatheredBatches&) = delete;

  struct Next {
    Batch batch;
    std::size_t records = 0;              // that it holds
    std::span<const SortEntry> left_out;  // come next, and would make the batch too large
  };
  /// Nothing: that was all.
  [[nodiscard]] std::optional<Next> next();

 private:
  struct Made {
    Batch batch;
    std::size_t records = 0;
  };
  class Blocks;
  [[nodiscard]] static Made gather(std::span<const SortEntry> entries, Form form, Blocks& blocks);
  [[nodiscard]] std::span<const SortEntry> of_batch(std::size_t i) const;

  const std::span<const SortEntry> entries_;
  const std::size_t batch_items_;
  const std::size_t count_;  // of batches
  std::size_t next_ = 0;
  std::vector<runtime::Chan<Made>> made_;  // one for each goroutine
  runtime::WaitGroup helpers_;
};

}  // namespace gorun::jobs
