#include "jobs/mapreduce/group_table.h"

#include <algorithm>
#include <optional>

namespace gorun::jobs {

namespace {

// Their keys are in the caches still when they are looked for.
constexpr std::size_t kMergedAtOnce = 256;

}  // namespace

GroupTable::GroupTable(std::span<const AggregateKind> kinds)
    : kinds_(kinds.begin(), kinds.end()),
      wants_numbers_(std::any_of(kinds.begin(), kinds.end(), wants_numbers)),
      only_counts_(std::all_of(kinds.begin(), kinds.end(),
                               [](AggregateKind kind) { return kind == AggregateKind::kCount; })) {
  make_aggregates();
}

void GroupTable::make_aggregates() {
  aggregates_.clear();
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

void GroupTable::add_times(std::string_view key, std::int64_t times) { keys_.count(key, times); }

void GroupTable::group_states() {
  for (const auto& aggregate : aggregates_) aggregate->group_states();
}

void GroupTable::add_values(std::span<const std::string_view> keys,
                            std::span<const Values> values) {
  if (only_counts_) return keys_.count(keys);
  ids_.resize(std::max(ids_.size(), keys.size()));
  const std::span<Id> ids = std::span(ids_).first(keys.size());
  keys_.add(keys, ids);
  for (std::size_t a = 0; a < aggregates_.size(); ++a) {
    aggregates_[a]->resize(keys_.size());
    aggregates_[a]->add(ids, values[a]);
  }
}

void GroupTable::settle() {
  if (!only_counts_ || keys_.size() == 0) return;
  std::vector<std::int64_t> counts(keys_.size());
  keys_.take_counts(counts);
  for (const auto& aggregate : aggregates_) {
    aggregate->resize(keys_.size());
    aggregate->add_counts(counts);
  }
}

GroupTable GroupTable::take() {
  settle();
  GroupTable taken(kinds_);
  taken.keys_ = keys_.take();
  taken.aggregates_.swap(aggregates_);
  return taken;
}

std::span<const std::string_view> GroupTable::keys_of(std::span<const Id> groups,
                                                      std::vector<std::string_view>* keys) const {
  keys->clear();
  for (const Id id : groups) keys->push_back(key(id));
  return *keys;
}

void GroupTable::merge(const GroupTable& from, std::span<const Id> groups) {
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

std::size_t GroupTable::memory_bytes() const {
  std::size_t bytes = keys_.memory_bytes();
  for (const auto& aggregate : aggregates_) bytes += aggregate->memory_bytes();
  return bytes;
}

std::size_t GroupTable::bytes_while_adding(std::size_t more) const {
  std::size_t of_states = 0;
  for (const auto& aggregate : aggregates_) of_states += aggregate->memory_bytes();
  // They grow about when the keys do, to twice as much, and both are there for a moment.
  if (keys_.grows_with(more)) of_states *= 3;
  // Counts come when the table is settled, and a copy of them.
  if (only_counts_) of_states += 2 * sizeof(std::int64_t) * (size() + more);
  return keys_.bytes_while_adding(more) + of_states;
}

std::size_t GroupTable::count_new(const GroupTable& from, std::span<const Id> groups) const {
  std::vector<std::string_view> keys;
  std::size_t count = 0;
  for (std::size_t at = 0; at < groups.size(); at += kMergedAtOnce) {
    const auto some = groups.subspan(at, std::min(kMergedAtOnce, groups.size() - at));
    count += keys_.count_new(from.keys_of(some, &keys));
  }
  return count;
}

void GroupTable::clear() {
  keys_.clear();
  make_aggregates();
}

void GroupTable::finish() {
  settle();
  keys_.end_adding();
  for (const auto& aggregate : aggregates_) aggregate->finish();
}

void GroupTable::append_result(Id id, std::size_t aggregate, std::string* out,
                               std::string_view separator) const {
  aggregates_[aggregate]->append_result(id, separator, out);
}

Number GroupTable::number(Id id, std::size_t aggregate) const {
  return aggregates_[aggregate]->number(id);
}

}  // namespace gorun::jobs
