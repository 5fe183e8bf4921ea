// jobs/mapreduce/shard_groups.h - the groups of one reducer: a table, and what it spilled.
//
// Memory is bounded whatever the number of groups: a table that would grow over its share goes to
// the disk as a sorted run (jobs/mapreduce/group_runs.h). Groups then leave in the order of their
// keys, from the table if nothing was spilled, else from all runs merged; where that order is of no
// use they leave a table as they lie there, which spares sorting them and finding each in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/mapreduce/dealt_table.h"
#include "jobs/mapreduce/group_runs.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/shards.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine.
class ShardGroups {
 public:
  /// shard  which of `shards` it is.
  ShardGroups(std::span<const AggregateKind> kinds, std::size_t shard, Shards shards,
              std::size_t memory_bytes, std::string directory)
      : shard_(shard),
        memory_bytes_(memory_bytes),
        table_(kinds, shards),
        // Buffers are needed when the table is gone.
        runs_(kinds, memory_bytes, std::move(directory)) {}

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
  [[nodiscard]] std::size_t runs_written() const { return runs_.size(); }
  /// Groups that are in memory.
  [[nodiscard]] std::size_t size() const { return table_.size(); }

 private:
  [[nodiscard]] std::optional<SystemError> spill();

  const std::size_t shard_;
  const std::size_t memory_bytes_;
  GroupTable table_;
  GroupRuns runs_;
  std::vector<GroupTable::Id> order_;  // of the table's groups
  std::size_t next_ = 0;               // index into order_
};

}  // namespace gorun::jobs
