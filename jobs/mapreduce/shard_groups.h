// jobs/mapreduce/shard_groups.h - the groups of one reducer: a table, and what it spilled.
//
// Memory is bounded whatever the number of groups: a table that would grow over its share goes to
// the disk as a run, in the order of its keys (jobs/mapreduce/group_runs.h). Where many keys of a
// table have been in others before it, runs are in the order of hashes instead
// (jobs/mapreduce/hashed_runs.h): they are read side by side in the end, and each different key is
// sorted once. Groups then leave in the order of their keys, from the table if nothing was spilled,
// else from all sorted runs merged; where that order is of no use they leave a table as they lie
// there, which spares sorting them and finding each in memory.
//
// After a table in which nearly everything that came was new, counts are appended to what then goes
// to the disk, and not looked up; until what was spilled so holds many that could have been put
// together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/mapreduce/dealt_table.h"
#include "jobs/mapreduce/distinct_estimate.h"
#include "jobs/mapreduce/group_runs.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/hashed_runs.h"
#include "jobs/mapreduce/shards.h"
#include "jobs/run_file.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine.
class ShardGroups {
 public:
  /// shard                    which of `shards` it is.
  /// most_of_list, directory  as for a MergedGroup.
  ShardGroups(std::span<const AggregateKind> kinds, std::size_t shard, Shards shards,
              std::size_t memory_bytes, std::size_t most_of_list, const std::string& directory)
      : shard_(shard),
        memory_bytes_(memory_bytes),
        shards_(shards),
        kinds_(kinds.begin(), kinds.end()),
        has_small_states_(std::ranges::all_of(kinds, has_small_states)),
        table_(kinds, shards),
        file_(directory),
        // Half is for a table.
        hashed_(file_, kinds.size(), shards, memory_bytes / 2),
        // Buffers are needed when the table is gone.
        runs_(file_, kinds, memory_bytes, most_of_list, directory) {}
  ShardGroups(const ShardGroups&) = delete;
  ShardGroups& operator=(const ShardGroups&) = delete;

  /// Adds its groups of `table`; returns how many of them were not in memory.
  [[nodiscard]] Expected<GroupTable::Merged, SystemError> merge(const DealtTable& table);
  enum class Order : std::uint8_t { kByKey, kAny };
  /// Comes after the last merge.
  [[nodiscard]] std::optional<SystemError> finish(Order order);

  /// Goes to the next group in the order that was asked for. false: there is none.
  [[nodiscard]] Expected<bool, SystemError> next();
  [[nodiscard]] std::string_view key() const {
    return runs_.size() > 0 ? runs_.key() : table_.key(order_[next_ - 1]);
  }
  void append_result(std::size_t aggregate, std::string* out) const {
    if (runs_.size() > 0) return runs_.append_result(aggregate, out);
    table_.append_result(order_[next_ - 1], aggregate, out);
  }
  /// Of keys in their order.
  [[nodiscard]] std::size_t runs_written() const { return runs_.size(); }
  /// Groups that were sorted for them.
  [[nodiscard]] std::size_t groups_written() const { return runs_.groups(); }
  /// Bytes of the longest of them.
  [[nodiscard]] std::size_t longest_written() const { return runs_.longest(); }
  /// Groups that are in memory.
  [[nodiscard]] std::size_t size() const { return table_.size(); }

 private:
  [[nodiscard]] Expected<GroupTable::Merged, SystemError> look_up(const DealtTable& table);
  [[nodiscard]] Expected<GroupTable::Merged, SystemError> append(const DealtTable& table);
  [[nodiscard]] std::optional<SystemError> spill();
  [[nodiscard]] bool are_mostly_new(const DistinctEstimate& of_table) const;
  [[nodiscard]] bool keys_repeat() const;
  [[nodiscard]] std::optional<SystemError> regroup();

  const std::size_t shard_;
  const std::size_t memory_bytes_;
  const Shards shards_;
  const std::vector<AggregateKind> kinds_;
  const bool has_small_states_;
  GroupTable table_;
  RunFile file_;  // of all runs
  HashedRuns hashed_;
  GroupRuns runs_;
  bool appends_ = false;  // to the table, instead of looking groups up in it
  // Since the last spill: groups that were looked up, and those of them that were not there.
  std::size_t came_ = 0;
  std::size_t new_ = 0;
  // Groups of all tables that were spilled.
  std::size_t spilled_ = 0;
  DistinctEstimate different_;
  std::vector<GroupTable::Id> order_;  // of the table's groups
  std::size_t next_ = 0;               // index into order_
};

}  // namespace gorun::jobs
