// jobs/mapreduce/dealt_table.h - a worker's table on its way to the shards of "reduce".
//
// The shards, which are as many as there are cores, would each look through all of its groups: who
// gives it away sorts them by the shard that owns them, once. Where all aggregates are counts they
// lie in that order (count_table.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "jobs/mapreduce/dealt_counts.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/shards.h"

namespace gorun::jobs {

/// threads  any; it does not change.
class DealtTable {
 public:
  using Id = GroupTable::Id;

  /// table  to which nothing is added; its aggregates are not all counts.
  DealtTable(GroupTable&& table, Shards shards)
      : table_(std::move(table)), begins_(shards.count() + 1, 0), groups_(table_.size()) {
    for (Id id = 0; id < table_.size(); ++id) ++begins_[shards.owner(table_.hash(id)) + 1];
    for (std::size_t s = 0; s < shards.count(); ++s) begins_[s + 1] += begins_[s];
    std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
    for (Id id = 0; id < table_.size(); ++id) groups_[next[shards.owner(table_.hash(id))]++] = id;
  }
  /// empty  a table of the same kinds.
  DealtTable(GroupTable&& empty, DealtCounts&& counts)
      : table_(std::move(empty)), counts_(std::move(counts)) {}

  /// Nothing, if the groups are only counted.
  [[nodiscard]] const GroupTable& table() const { return table_; }
  /// The groups of table() that a shard owns, each before those that came after it.
  [[nodiscard]] std::span<const Id> groups_of(std::size_t shard) const {
    return std::span(groups_).subspan(begins_[shard], begins_[shard + 1] - begins_[shard]);
  }
  [[nodiscard]] const std::optional<DealtCounts>& counts() const { return counts_; }

  /// As many groups as a shard owns, or a few more.
  [[nodiscard]] std::size_t most_of(std::size_t shard) const {
    return counts_ ? counts_->part(shard).size() : groups_of(shard).size();
  }

 private:
  GroupTable table_;
  std::vector<std::size_t> begins_;  // in groups_, of each shard
  std::vector<Id> groups_;
  std::optional<DealtCounts> counts_;
};

}  // namespace gorun::jobs
