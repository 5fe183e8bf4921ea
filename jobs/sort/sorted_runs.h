// jobs/sort/sorted_runs.h - records in order, in memory or in sorted runs of a file.
//
// Records are written to blocks of memory, one at a time or, where there are many, by others who
// are told their places (record_writers.h). When they fill the budget they are sorted on all cores
// (entry_sort.h) and written as one run to a file without a name (run_file.h); at the end the runs
// and what is in memory are merged. Lines in blocks that take no memory of their own are not
// copied: they count against the budget as well, and their blocks go with the run.
//
// Equal keys keep the order in which they came: sorting a run is stable, and of equal heads the
// merge takes that of the earlier run. More runs than can be merged at a time are first merged to
// fewer. How many can be depends on the longest record: each run has one in hand, and where the
// memory set aside for them is too little, what is in memory becomes a run as well.
//
// Prior art: GNU sort; D. Knuth, The Art of Computer Programming, volume 3, 5.4.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/batch.h"
#include "jobs/item.h"
#include "jobs/large_memory.h"
#include "jobs/large_vector.h"
#include "jobs/out.h"
#include "jobs/run_file.h"
#include "jobs/sort/entry_sort.h"
#include "jobs/sort/sort_record.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine. Blocks in marked sections.
class SortedRuns {
 public:
  struct Limits {
    std::size_t memory_bytes;          // of records and what points to them
    std::size_t merged_at_once = 256;  // runs; each takes a buffer, or its longest record
    std::size_t buffer_bytes = std::size_t{64} << 10;
  };
  /// What keeps within `bytes`, whatever there is to sort: a part of them is set aside for the
  /// buffers of the merge, in which what has not been written takes part.
  [[nodiscard]] static Limits limits_for(std::size_t bytes);

  /// directory   where runs are written.
  /// is_stopped  asked now and then in add() and for_each(); true: these end with ECANCELED, and
  ///             what was added is of no more use.
  SortedRuns(const SortOrder& order, Limits limits, std::string directory,
             std::function<bool()> is_stopped);
  ~SortedRuns();
  SortedRuns(const SortedRuns&) = delete;
  SortedRuns& operator=(const SortedRuns&) = delete;

  /// Adds an item; one that is too large is an error of EFBIG.
  [[nodiscard]] std::optional<SystemError> add(const Item& item, std::string_view key);
  /// Where records of so many bytes are to be written by somebody else, with their entries.
  struct Place {
    std::span<SortEntry> entries;
    char* records = nullptr;
  };
  /// True if reserve() would leave what has been reserved before where it is.
  [[nodiscard]] bool can_reserve(std::size_t count) const { return entries_.has_room(count); }
  /// Before the next one, and before all that sorts, make_room().
  [[nodiscard]] Place reserve(std::size_t bytes, std::size_t count) {
    return {entries_.append(count), allocate(bytes)};
  }
  /// The same for records of so many bytes that lie in blocks of `batch`: where these are memory of
  /// others they stay there, and `records` is nullptr. Not once there are runs on the disk: a copy
  /// takes memory that has been used before, and lies in huge pages.
  [[nodiscard]] Place reserve(const Batch& batch, std::size_t bytes, std::size_t count);
  /// Nothing: what was seen until now of what stayed where it was is right.
  [[nodiscard]] std::optional<SystemError> wrong_with_kept() const;
  /// True if what is in memory is to be written to the disk.
  [[nodiscard]] bool is_full() const { return memory_needed() > limits_.memory_bytes; }
  /// Does so. All that was reserved has been written by then.
  [[nodiscard]] std::optional<SystemError> spill();
  [[nodiscard]] std::uint64_t prefix(std::string_view key) const { return order_.prefix(key); }
  [[nodiscard]] SystemError too_large() const { return file_.error("sort in", EFBIG); }
  /// So many bytes are worth a call of reserve(), and lose little where the rest of a block is
  /// less.
  [[nodiscard]] std::size_t group_bytes() const;

  /// Sorts what is in memory, if that is all: else nothing. The records stay as long as this.
  [[nodiscard]] std::optional<std::span<const SortEntry>> sort_in_memory();

  /// Calls `take` with each record in order until it says kStop. To be called once.
  [[nodiscard]] std::optional<SystemError> for_each(
      const std::function<Flow(RecordRef record)>& take);

  /// Runs that were written so far.
  [[nodiscard]] std::size_t runs_written() const { return runs_written_; }

 private:
  class Writer;
  class Reader;

  [[nodiscard]] std::size_t usual_block() const;
  [[nodiscard]] char* allocate(std::size_t size);
  [[nodiscard]] std::size_t memory_needed() const;
  [[nodiscard]] bool precedes(const SortEntry& a, const SortEntry& b) const;
  void sort();
  [[nodiscard]] RecordRef record_at(std::size_t entry) const;
  [[nodiscard]] bool is_stopped_after(std::size_t bytes);
  [[nodiscard]] std::size_t merged_at_once(std::size_t memory) const;
  [[nodiscard]] std::optional<SystemError> merge(std::size_t first, std::size_t count,
                                                 bool with_memory,
                                                 const std::function<Flow(RecordRef record)>& take);

  const SortOrder order_;
  const Limits limits_;
  const std::function<bool()> is_stopped_;
  std::size_t unasked_bytes_ = 0;  // since is_stopped_ was
  LargeVector<SortEntry> entries_;
  struct Block {
    LargeArray<char> memory;
    std::size_t size = 0;
  };
  std::vector<Block> blocks_;
  std::vector<Block> spare_;  // those of a run that is on the disk
  char* free_ = nullptr;      // in the last block
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;             // of all blocks
  Batch kept_;                        // the blocks of others in which records lie
  std::vector<OthersBytes*> owners_;  // of these
  std::size_t kept_bytes_ = 0;
  RunFile file_;
  std::vector<FileRun> runs_;  // in the order of what they hold
  std::size_t runs_written_ = 0;
  std::size_t longest_ = 0;  // record of a run
};

}  // namespace gorun::jobs
