#include "jobs/mapreduce/shard_groups.h"

#include <numeric>
#include <utility>

namespace gorun::jobs {

Expected<GroupTable::Merged, SystemError> ShardGroups::merge(const DealtTable& table) {
  const auto fits = [&](std::size_t more) {
    return table_.bytes_while_adding(more) <= memory_bytes_;
  };
  // Most groups of a later table are those of the first; they are looked for if it matters.
  std::size_t most_new = table.most_of(shard_);
  if (table_.size() > 0 && !fits(most_new)) {
    most_new = table_.compare(table, shard_).new_ones;
    if (!fits(most_new)) {
      if (auto failed = spill()) return *std::move(failed);
      most_new = table.most_of(shard_);
    }
  }
  const GroupTable::Merged merged = table_.merge(table, shard_, most_new);
  if (table_.memory_bytes() > memory_bytes_) {
    if (auto failed = spill()) return *std::move(failed);
  }
  return merged;
}

std::optional<SystemError> ShardGroups::spill() {
  auto failed = runs_.write(table_);
  table_.clear();
  return failed;
}

std::optional<SystemError> ShardGroups::finish(Order order) {
  if (runs_.size() == 0) {
    table_.finish();
    if (order == Order::kByKey) {
      order_ = table_.sorted_ids();
    } else {
      order_.resize(table_.size());
      std::iota(order_.begin(), order_.end(), GroupTable::Id{0});
    }
    return std::nullopt;
  }
  return table_.size() > 0 ? spill() : std::nullopt;
}

Expected<bool, SystemError> ShardGroups::next() {
  if (runs_.size() > 0) return runs_.next();
  // What comes in a while is on its way; first the entry, which tells where the key is.
  constexpr std::size_t kAhead = 16;
  if (next_ + 2 * kAhead < order_.size()) table_.prefetch(order_[next_ + 2 * kAhead]);
  if (next_ + kAhead < order_.size()) table_.prefetch_key(order_[next_ + kAhead]);
  return next_++ < order_.size();
}

}  // namespace gorun::jobs
