#include "jobs/mapreduce/shard_groups.h"

#include <numeric>
#include <utility>

namespace gorun::jobs {
namespace {

// To write, read and look up a group takes less than to sort and merge it, but comes on top where
// no two are of one key: that pays if some are now, when more will be in the end.
constexpr double kMostDifferent = 0.85;
// Of an aggregate. To put larger states (sums of doubles) together once more takes as long as to
// sort their keys.
constexpr std::size_t kMostStateBytes = 24;
// Keys of a bucket, of which some have more than others.
constexpr double kMoreThanMean = 1.25;
// Of the groups that came, so many were in no other table.
constexpr double kMostlyNew = 0.875;

// With less a table is full soon after its first group: it takes memory in pieces.
constexpr std::size_t kLeastTable = std::size_t{256} << 10;

constexpr std::size_t kBytesToAppend = sizeof(CountSlot) + kBytesToSortKey;

}  // namespace

Expected<GroupTable::Merged, SystemError> ShardGroups::merge(const DealtTable& table) {
  return appends_ ? append(table) : look_up(table);
}

Expected<GroupTable::Merged, SystemError> ShardGroups::append(const DealtTable& table) {
  const std::size_t most = table.most_of(shard_);
  const auto bytes_with = [this](std::size_t more) {
    return table_.memory_bytes() + table_.size() * kBytesToSortKey + more * kBytesToAppend;
  };
  if (table_.size() > 0 && bytes_with(most) > memory_bytes_) {
    if (auto failed = spill()) return *std::move(failed);
    if (!appends_) return look_up(table);
  }
  const std::size_t all = table_.append(table, shard_);
  if (bytes_with(0) > memory_bytes_) {
    if (auto failed = spill()) return *std::move(failed);
  }
  return GroupTable::Merged{all, all};
}

Expected<GroupTable::Merged, SystemError> ShardGroups::look_up(const DealtTable& table) {
  const auto fits = [&](std::size_t more) {
    return table_.bytes_while_adding(more) <= memory_bytes_;
  };
  // Most groups of a later table are those of the first; they are looked for if it matters.
  std::size_t most_new = table.most_of(shard_);
  if (table_.size() > 0 && !fits(most_new)) {
    most_new = table_.compare(table, shard_).new_ones;
    if (!fits(most_new)) {
      if (auto failed = spill()) return *std::move(failed);
      if (appends_) return append(table);
      most_new = table.most_of(shard_);
    }
  }
  const GroupTable::Merged merged = table_.merge(table, shard_, most_new);
  came_ += merged.all;
  new_ += merged.new_ones;
  if (table_.memory_bytes() > memory_bytes_) {
    if (auto failed = spill()) return *std::move(failed);
  }
  return merged;
}

std::optional<SystemError> ShardGroups::spill() {
  table_.end_adding();
  DistinctEstimate of_table;
  for (GroupTable::Id id = 0; id < table_.size(); ++id) of_table.note(table_.hash(id));
  different_.note_all_of(of_table);
  spilled_ += table_.size();
  const bool appends = table_.can_append() && are_mostly_new(of_table);
  auto failed = keys_repeat() ? hashed_.write(table_) : runs_.write(table_);
  if (!failed && hashed_.is_full()) {
    failed = regroup();
    if (!failed && table_.size() > 0) failed = runs_.write(table_);
    appends_ = false;
  }
  if (appends && appends_) {
    table_.forget_appended();
  } else {
    table_ = GroupTable(kinds_, shards_);
  }
  appends_ = appends;
  came_ = 0;
  new_ = 0;
  return failed;
}

// Whether nearly all groups that came since the last spill were new to the table; of those that
// were appended their hashes tell.
bool ShardGroups::are_mostly_new(const DistinctEstimate& of_table) const {
  const double different = appends_ ? of_table.value() : static_cast<double>(new_);
  return different >= kMostlyNew * static_cast<double>(appends_ ? table_.size() : came_);
}

// Whether enough of the groups that were spilled, the table's among them, are of keys that had been
// spilled before. Sorted runs come first, and tell how large states are.
bool ShardGroups::keys_repeat() const {
  const bool are_states_small =
      has_small_states_ && runs_.state_bytes() <= kMostStateBytes * kinds_.size() * runs_.groups();
  return are_states_small && runs_.groups() > 0 &&
         different_.value() < kMostDifferent * static_cast<double>(spilled_);
}

// Puts together what hashed runs have of each key, in sorted runs and what is left in the table.
std::optional<SystemError> ShardGroups::regroup() {
  const std::size_t memory_bytes = std::max(memory_bytes_ / 2, kLeastTable);
  const auto fits = [&](std::size_t more) {
    return table_.size() == 0 || table_.bytes_while_adding(more) <= memory_bytes;
  };
  // A table is written at the border of a bucket, so that no key is in two.
  const auto keys_of_bucket = static_cast<std::size_t>(kMoreThanMean * different_.value() /
                                                       static_cast<double>(hashed_.buckets()));
  table_ = GroupTable::for_ordered_hashes(kinds_);
  for (;;) {
    const auto batch = hashed_.next();
    if (!batch.ok()) return batch.error();
    if (batch->groups.empty()) return std::nullopt;
    const bool is_full =
        !fits(batch->groups.size()) || (batch->begins_bucket && !fits(keys_of_bucket));
    if (is_full) {
      if (auto failed = runs_.write(table_)) return failed;
      table_.clear();
    }
    table_.add_groups(batch->groups);
  }
}

std::optional<SystemError> ShardGroups::finish(Order order) {
  if (hashed_.size() > 0) {
    if (table_.size() > 0) {
      if (auto failed = hashed_.write(table_)) return failed;
    }
    if (auto failed = regroup()) return failed;
  }
  if (runs_.size() > 0) {
    auto failed = table_.size() > 0 ? runs_.write(table_) : std::nullopt;
    table_ = GroupTable(kinds_);  // buffers are needed now
    return failed;
  }
  table_.finish();
  if (order == Order::kByKey) {
    order_ = table_.sorted_ids();
  } else {
    order_.resize(table_.size());
    std::iota(order_.begin(), order_.end(), GroupTable::Id{0});
  }
  return std::nullopt;
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
