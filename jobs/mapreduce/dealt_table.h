// jobs/mapreduce/dealt_table.h - a worker's table on its way to the shards of "reduce".
//
// Who gives it away sorts its groups by the shard that owns them, once: the shards, which are as
// many as there are cores, would each look through all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/key_index.h"

namespace gorun::jobs {

/// threads  any; it does not change.
class DealtTable {
 public:
  using Id = GroupTable::Id;

  /// table  settled.
  DealtTable(GroupTable&& table, std::size_t shards)
      : table_(std::move(table)), begins_(shards + 1, 0), groups_(table_.size()) {
    const Shards all(shards);
    for (Id id = 0; id < table_.size(); ++id) ++begins_[all.owner(table_.hash(id)) + 1];
    for (std::size_t shard = 0; shard < shards; ++shard) begins_[shard + 1] += begins_[shard];
    std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
    for (Id id = 0; id < table_.size(); ++id) groups_[next[all.owner(table_.hash(id))]++] = id;
  }

  [[nodiscard]] const GroupTable& table() const { return table_; }
  /// The groups that a shard owns, each before those that came after it.
  [[nodiscard]] std::span<const Id> groups_of(std::size_t shard) const {
    return std::span(groups_).subspan(begins_[shard], begins_[shard + 1] - begins_[shard]);
  }

 private:
  GroupTable table_;
  std::vector<std::size_t> begins_;  // in groups_, of each shard
  std::vector<Id> groups_;
};

}  // namespace gorun::jobs
