#include "jobs/mapreduce/group_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "jobs/mapreduce/dealt_table.h"
#include "jobs/mapreduce/sorted_ids.h"
#include "jobs/mapreduce/stored_group.h"

namespace gorun::jobs {

namespace {

// Their keys are in the caches still when they are looked for.
constexpr std::size_t kMergedAtOnce = 256;

}  // namespace

GroupTable::GroupTable(std::span<const AggregateKind> kinds, CountTable&& counts)
    : kinds_(kinds.begin(), kinds.end()),
      wants_numbers_(std::any_of(kinds.begin(), kinds.end(), wants_numbers)),
      only_counts_(std::all_of(kinds.begin(), kinds.end(),
                               [](AggregateKind kind) { return kind == AggregateKind::kCount; })),
      counts_(std::move(counts)) {
  make_aggregates();
}

void GroupTable::make_aggregates() {
  aggregates_.clear();
  if (only_counts_) return;
  for (const AggregateKind kind : kinds_) aggregates_.push_back(Aggregate::make(kind));
}

std::size_t GroupTable::add(std::span<const std::string_view> keys,
                            std::span<const std::string_view> texts) {
  if (!wants_numbers_) {
    add_values(keys, std::vector<Values>(kinds_.size(), {texts, {}, {}}));
    return keys.size();
  }
  // Each text is read once for all aggregates; the first that is no number ends the batch.
  numbers_.clear();
  for (const std::string_view text : texts) {
    const std::optional<Number> number = parse_number(text);
    if (!number) break;
    numbers_.push_back(*number);
  }
  const Values values{texts.first(numbers_.size()), numbers_, {}};
  add_values(keys.first(numbers_.size()), std::vector<Values>(kinds_.size(), values));
  return numbers_.size();
}

void GroupTable::add_times(std::string_view key, std::int64_t times) { counts_.count(key, times); }

void GroupTable::add_values(std::span<const std::string_view> keys,
                            std::span<const Values> values) {
  if (only_counts_) return counts_.count(keys);
  ids_.resize(std::max(ids_.size(), keys.size()));
  const std::span<Id> ids = std::span(ids_).first(keys.size());
  keys_.add(keys, ids);
  for (std::size_t a = 0; a < aggregates_.size(); ++a) {
    aggregates_[a]->resize(keys_.size());
    aggregates_[a]->add(ids, values[a]);
  }
}

void GroupTable::add_groups(std::span<const StoredGroup> groups) {
  merged_.clear();
  for (const StoredGroup& group : groups) merged_.push_back(group.key());
  if (only_counts_) {  // all are the same
    times_.clear();
    for (const StoredGroup& group : groups) {
      group.for_each_state(1, [this](std::size_t /*aggregate*/, std::string_view state) {
        times_.push_back(Aggregate::read_count_state(state));
      });
    }
    return counts_.count(merged_, times_);
  }
  ids_.resize(std::max(ids_.size(), groups.size()));
  keys_.add(merged_, std::span(ids_).first(groups.size()));
  for (const auto& aggregate : aggregates_) aggregate->resize(keys_.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i].for_each_state(aggregates_.size(), [&](std::size_t a, std::string_view state) {
      aggregates_[a]->merge_state(ids_[i], state);
    });
  }
}

void GroupTable::end_adding() {
  if (only_counts_) return counts_.end_adding();
  keys_.end_adding();
}

DealtTable GroupTable::take(Shards shards) {
  if (only_counts_) return {GroupTable(kinds_), counts_.take(shards)};
  GroupTable taken(kinds_);
  taken.keys_ = keys_.take();
  taken.aggregates_.swap(aggregates_);
  return {std::move(taken), shards};
}

DealtTable GroupTable::deal(Shards shards) && {
  if (only_counts_) return {GroupTable(kinds_), std::move(counts_).deal(shards)};
  keys_.end_adding();
  return {std::move(*this), shards};
}

std::span<const std::string_view> GroupTable::keys_of(std::span<const Id> groups,
                                                      std::vector<std::string_view>* keys) const {
  keys->clear();
  for (const Id id : groups) keys->push_back(key(id));
  return *keys;
}

GroupTable::Merged GroupTable::merge(const DealtTable& from, std::size_t shard,
                                     std::size_t most_new) {
  const std::size_t before = size();
  if (only_counts_) {
    const std::size_t all = counts_.merge(*from.counts(), shard, most_new);
    return {all, size() - before};
  }
  const std::span<const Id> groups = from.groups_of(shard);
  merge_groups(from.table(), groups);
  return {groups.size(), size() - before};
}

void GroupTable::merge_groups(const GroupTable& from, std::span<const Id> groups) {
  // No more than that: most keys of a second table are those of the first.
  keys_.reserve(groups.size());
  ids_.resize(std::max(ids_.size(), groups.size()));
  const std::span<Id> to = std::span(ids_).first(groups.size());
  for (std::size_t at = 0; at < groups.size(); at += kMergedAtOnce) {
    const std::size_t count = std::min(kMergedAtOnce, groups.size() - at);
    keys_.add(from.keys_of(groups.subspan(at, count), &merged_), to.subspan(at, count));
  }
  for (std::size_t a = 0; a < aggregates_.size(); ++a) {
    aggregates_[a]->resize(keys_.size());
    aggregates_[a]->merge(*from.aggregates_[a], groups, to);
  }
}

std::size_t GroupTable::append(const DealtTable& from, std::size_t shard) {
  return counts_.append(*from.counts(), shard);
}

std::size_t GroupTable::memory_bytes() const {
  std::size_t bytes = only_counts_ ? counts_.memory_bytes() : keys_.memory_bytes();
  for (const auto& aggregate : aggregates_) bytes += aggregate->memory_bytes();
  return bytes;
}

std::size_t GroupTable::bytes_while_adding(std::size_t more) const {
  if (only_counts_) return counts_.bytes_while_adding(more);
  std::size_t of_states = 0;
  for (const auto& aggregate : aggregates_) of_states += aggregate->memory_bytes();
  // They grow about when the keys do, to twice as much, and both are there for a moment.
  if (keys_.grows_with(more)) of_states *= 3;
  return keys_.bytes_while_adding(more) + of_states;
}

GroupTable::Merged GroupTable::compare(const DealtTable& from, std::size_t shard) const {
  if (only_counts_) {
    const CountTable::Comparison result = counts_.compare(*from.counts(), shard);
    return {result.all, result.new_ones};
  }
  const std::span<const Id> groups = from.groups_of(shard);
  std::vector<std::string_view> keys;
  Merged result{groups.size(), 0};
  for (std::size_t at = 0; at < groups.size(); at += kMergedAtOnce) {
    const auto some = groups.subspan(at, std::min(kMergedAtOnce, groups.size() - at));
    result.new_ones += keys_.count_new(from.table().keys_of(some, &keys));
  }
  return result;
}

void GroupTable::clear() {
  counts_.clear();
  keys_.clear();
  make_aggregates();
}

void GroupTable::group_states() {
  for (const auto& aggregate : aggregates_) aggregate->group_states();
}

std::size_t GroupTable::append_state(Id id, std::size_t aggregate, std::size_t from,
                                     std::size_t most, std::string* out) const {
  if (!only_counts_) return aggregates_[aggregate]->append_state(id, from, most, out);
  Aggregate::append_count_state(counts_.count_of(id), out);
  return 0;
}

void GroupTable::finish() {
  end_adding();
  for (const auto& aggregate : aggregates_) aggregate->finish();
}

void GroupTable::append_result(Id id, std::size_t aggregate, std::string* out,
                               std::string_view separator) const {
  if (only_counts_) {
    *out += std::to_string(counts_.count_of(id));
  } else {
    aggregates_[aggregate]->append_result(id, separator, out);
  }
}

Number GroupTable::number(Id id, std::size_t aggregate) const {
  return only_counts_ ? Number(counts_.count_of(id)) : aggregates_[aggregate]->number(id);
}

std::vector<GroupTable::Id> GroupTable::sorted_ids() const {
  return ids_by_key(size(), [this](Id id) { return key(id); });
}

}  // namespace gorun::jobs
