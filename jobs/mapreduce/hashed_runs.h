// jobs/mapreduce/hashed_runs.h - groups that did not fit the memory, in runs that are in the order
// of their keys' hashes: for keys that come again and again, in many runs.
//
// To sort the groups of each run by their keys and merge the runs takes as long as there are groups
// in them, however few are different. Here all runs are read side by side from their beginnings to
// their ends, a part of the hashes after the other, so that the groups of one key come together: a
// table takes them, and by the time it is full it holds what all runs have of its keys.
//
//   run     bucket...        as many in every run, each of one part of the shard's hashes
//   bucket  count group...   count is 32 bits; within a bucket groups are in no order
//
// Not chosen: a file for each part, as hybrid hash joins have them. How many parts there have to be
//   is not known before the end; and buffers for all of them take as much memory while groups are
//   written, which the table lacks then, as those for all runs do here when there is no other.
//
// Prior art: G. Graefe, Query Evaluation Techniques for Large Databases, 1993, on aggregation by
// hashing and by sorting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "jobs/expected.h"
#include "jobs/mapreduce/group_reader.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/shards.h"
#include "jobs/run_file.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine. Blocks in marked sections.
class HashedRuns {
 public:
  /// file          outlives this.
  /// shards        the groups are those of one of them.
  /// memory_bytes  for the buffers of all runs together, when they are read.
  HashedRuns(RunFile& file, std::size_t aggregates, Shards shards, std::size_t memory_bytes);

  /// Writes all groups of `table`, which is settled and may be changed by this.
  [[nodiscard]] std::optional<SystemError> write(GroupTable& table);
  [[nodiscard]] std::size_t size() const { return runs_.size(); }
  /// Whether the buffers of one more would not fit the memory.
  [[nodiscard]] bool is_full() const;
  [[nodiscard]] std::size_t buckets() const { return std::size_t{1} << bucket_bits_; }

  struct Batch {
    std::span<const StoredGroup> groups;  // of different keys; until the next call
    bool begins_bucket = false;
  };
  /// Goes on to some more groups. Those of one key follow each other, with others of its bucket
  /// between. No groups: that was all, and there are no runs any more.
  [[nodiscard]] Expected<Batch, SystemError> next();

 private:
  [[nodiscard]] std::size_t bucket_of(std::uint64_t hash) const {
    return static_cast<std::size_t>(shards_.place(hash).fraction >> 1 >> (63 - bucket_bits_));
  }
  void begin_reading();
  void end_reading();
  [[nodiscard]] int go_to_groups();

  RunFile& file_;
  const std::size_t aggregates_;
  const Shards shards_;
  const std::size_t memory_bytes_;
  const int bucket_bits_;
  std::vector<FileRun> runs_;
  std::size_t longest_ = 0;  // group in them
  // While they are read.
  std::vector<GroupReader> readers_;
  std::size_t bucket_ = 0;
  std::size_t reader_ = 0;         // whose bucket is being read
  std::uint32_t left_ = 0;         // groups of it
  bool has_begun_bucket_ = false;  // of whichever reader
  std::vector<StoredGroup> batch_;
};

}  // namespace gorun::jobs
