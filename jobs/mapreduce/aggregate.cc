#include "jobs/mapreduce/aggregate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "jobs/mapreduce/stored_values.h"

namespace gorun::jobs {
namespace {

using Id = Aggregate::Id;

constexpr std::array<std::string_view, 7> kNames = {"count", "sum",  "min",     "max",
                                                    "mean",  "list", "distinct"};

template <class T>
void append_bytes(const T& value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Takes a value off the front of a state.
template <class T>
T take_bytes(std::string_view* state) {
  T value;
  std::memcpy(&value, state->data(), sizeof value);
  state->remove_prefix(sizeof value);
  return value;
}

// Of `count` groups, ours[groups[i]] is to[i]; the others go nowhere.
constexpr Id kNowhere = static_cast<Id>(-1);
std::vector<Id> spread(std::size_t count, std::span<const Id> groups, std::span<const Id> to) {
  std::vector<Id> ours(count, kNowhere);
  for (std::size_t i = 0; i < to.size(); ++i) ours[groups[i]] = to[i];
  return ours;
}

class Count final : public Aggregate {
 public:
  void resize(std::size_t groups) override { counts_.resize(groups); }
  void begin_one() override { counts_.assign(1, 0); }
  void add(std::span<const Id> ids, const Values&) override {
    for (const Id id : ids) ++counts_[id];
  }
  void add_counts(std::span<const std::int64_t> counts) override {
    for (std::size_t i = 0; i < counts.size(); ++i) counts_[i] += counts[i];
  }
  void merge(const Aggregate& from, std::span<const Id> groups, std::span<const Id> to) override {
    const auto& other = static_cast<const Count&>(from);
    for (std::size_t i = 0; i < to.size(); ++i) counts_[to[i]] += other.counts_[groups[i]];
  }
  std::size_t append_state(Id id, std::size_t, std::size_t, std::string* out) const override {
    append_count_state(counts_[id], out);
    return 0;
  }
  void merge_state(Id id, std::string_view state) override {
    counts_[id] += read_count_state(state);
  }
  void prefetch(Id id) const override { __builtin_prefetch(&counts_[id]); }
  void append_result(Id id, std::string_view, std::string* out) const override {
    *out += std::to_string(counts_[id]);
  }
  Number number(Id id) const override { return counts_[id]; }
  std::size_t memory_bytes() const override { return counts_.capacity() * sizeof(std::int64_t); }

 private:
  std::vector<std::int64_t> counts_;
};

// The common part of the aggregates of numbers: State has add(Number) and add(State), which tell by
// how many bytes it has grown beside its own size, add_integer(), which lets it not grow, and can
// be written as bytes and read.
template <class State>
class OfNumbers : public Aggregate {
 public:
  void resize(std::size_t groups) override { states_.resize(groups); }
  void begin_one() override {
    states_.clear();
    states_.resize(1);
    far_bytes_ = 0;
  }
  void add(std::span<const Id> ids, const Values& values) override {
    if (!values.integers.empty()) {
      for (std::size_t i = 0; i < ids.size(); ++i) states_[ids[i]].add_integer(values.integers[i]);
      return;
    }
    for (std::size_t i = 0; i < ids.size(); ++i)
      far_bytes_ += states_[ids[i]].add(values.numbers[i]);
  }
  void merge(const Aggregate& from, std::span<const Id> groups, std::span<const Id> to) override {
    const auto& other = static_cast<const OfNumbers&>(from);
    for (std::size_t i = 0; i < to.size(); ++i) {
      far_bytes_ += states_[to[i]].add(other.states_[groups[i]]);
    }
  }
  std::size_t append_state(Id id, std::size_t, std::size_t, std::string* out) const override {
    states_[id].append_bytes_to(out);
    return 0;
  }
  void merge_state(Id id, std::string_view state) override {
    if (!state.empty()) far_bytes_ += states_[id].add(State::read(&state));
  }
  void prefetch(Id id) const override { __builtin_prefetch(&states_[id]); }
  void append_result(Id id, std::string_view, std::string* out) const override {
    states_[id].append_to(out);
  }
  Number number(Id id) const override { return states_[id].number(); }
  std::size_t memory_bytes() const override {
    return states_.capacity() * sizeof(State) + far_bytes_;
  }

 private:
  std::vector<State> states_;
  std::size_t far_bytes_ = 0;  // what they hold elsewhere
};

class SumState {
 public:
  std::size_t add(const Number& number) { return sum_.add(number); }
  std::size_t add(const SumState& other) { return sum_.add(other.sum_); }
  void add_integer(std::int64_t integer) { sum_.add_integer(integer); }
  void append_to(std::string* out) const { sum_.append_to(out); }
  Number number() const { return sum_.number(); }
  void append_bytes_to(std::string* out) const { sum_.append_bytes_to(out); }
  static SumState read(std::string_view* bytes) {
    SumState state;
    state.sum_ = ExactSum::read(*bytes);
    return state;
  }

 private:
  ExactSum sum_;
};

class MeanState {
 public:
  std::size_t add(const Number& number) {
    ++count_;
    return sum_.add(number);
  }
  std::size_t add(const MeanState& other) {
    count_ += other.count_;
    return sum_.add(other.sum_);
  }
  void add_integer(std::int64_t integer) {
    ++count_;
    sum_.add_integer(integer);
  }
  void append_to(std::string* out) const { append_number(number(), out); }
  Number number() const { return count_ == 0 ? 0.0 : sum_.mean(count_); }
  void append_bytes_to(std::string* out) const {
    append_bytes(count_, out);
    sum_.append_bytes_to(out);
  }
  static MeanState read(std::string_view* bytes) {
    MeanState state;
    state.count_ = take_bytes<std::uint64_t>(bytes);
    state.sum_ = ExactSum::read(*bytes);
    return state;
  }

 private:
  ExactSum sum_;
  std::uint64_t count_ = 0;
};

enum class Keep { kLess, kGreater };

template <Keep kKeep>
class ExtremeState {
 public:
  std::size_t add(const Number& candidate) {
    const bool better =
        kKeep == Keep::kLess ? is_less(candidate, best_) : is_less(best_, candidate);
    // Of 1 and 1.0 the integer is kept, whichever came first.
    const bool simpler = candidate.index() < best_.index() && !is_less(candidate, best_) &&
                         !is_less(best_, candidate);
    if (!any_ || better || simpler) best_ = candidate;
    any_ = true;
    return 0;
  }
  std::size_t add(const ExtremeState& other) { return other.any_ ? add(other.best_) : 0; }
  void add_integer(std::int64_t candidate) {
    auto* const best = std::get_if<std::int64_t>(&best_);
    if (!any_ || best == nullptr) {
      add(candidate);
    } else {
      *best = kKeep == Keep::kLess ? std::min(*best, candidate) : std::max(*best, candidate);
    }
  }
  void append_to(std::string* out) const { append_number(best_, out); }
  Number number() const { return best_; }
  void append_bytes_to(std::string* out) const {
    append_bytes(any_, out);
    append_bytes(best_, out);
  }
  static ExtremeState read(std::string_view* bytes) {
    static_assert(std::is_trivially_copyable_v<Number>);
    ExtremeState state;
    state.any_ = take_bytes<bool>(bytes);
    state.best_ = take_bytes<Number>(bytes);
    return state;
  }

 private:
  Number best_;
  bool any_ = false;
};

// append_state() of those that keep values: value_at(i) is one, and those of a group are from
// begins[id] to begins[id + 1].
template <class ValueAt>
std::size_t append_values(std::span<const std::size_t> begins, Id id, std::size_t from,
                          std::size_t most, std::string* out, ValueAt value_at) {
  const std::size_t before = out->size();
  const std::size_t count = begins[id + 1] - begins[id];
  std::size_t i = from;
  for (; i < count && out->size() - before < most; ++i) {
    append_stored_value(value_at(begins[id] + i), out);
  }
  return i < count ? i : 0;
}

// Values in the order in which they came; sorted by group and value at the end.
class List final : public Aggregate {
 public:
  void resize(std::size_t groups) override { groups_ = groups; }
  void begin_one() override {
    groups_ = 1;
    bytes_.clear();
    entries_.clear();
    begins_.clear();
  }
  void add(std::span<const Id> ids, const Values& values) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      entries_.push_back({ids[i], bytes_.size(), values.texts[i].size()});
      bytes_ += values.texts[i];
    }
  }
  void merge(const Aggregate& from, std::span<const Id> groups, std::span<const Id> to) override {
    const auto& other = static_cast<const List&>(from);
    const std::vector<Id> ours = spread(other.groups_, groups, to);
    for (const Entry& entry : other.entries_) {
      if (ours[entry.id] == kNowhere) continue;
      entries_.push_back({ours[entry.id], bytes_.size(), entry.length});
      bytes_ += other.value(entry);
    }
  }
  void group_states() override { finish(); }
  std::size_t append_state(Id id, std::size_t from, std::size_t most,
                           std::string* out) const override {
    return append_values(begins_, id, from, most, out,
                         [this](std::size_t i) { return value(entries_[i]); });
  }
  void merge_state(Id id, std::string_view state) override {
    while (!state.empty()) {
      const std::string_view value = take_stored_value(&state);
      entries_.push_back({id, bytes_.size(), value.size()});
      bytes_ += value;
    }
  }
  void finish() override {
    std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) {
      return a.id != b.id ? a.id < b.id : value(a) < value(b);
    });
    begins_.assign(groups_ + 1, 0);
    for (const Entry& entry : entries_) ++begins_[entry.id + 1];
    for (std::size_t g = 0; g < groups_; ++g) begins_[g + 1] += begins_[g];
  }
  void append_result(Id id, std::string_view separator, std::string* out) const override {
    for (std::size_t i = begins_[id]; i < begins_[id + 1]; ++i) {
      if (i > begins_[id]) *out += separator;
      *out += value(entries_[i]);
    }
  }
  Number number(Id id) const override {
    return static_cast<std::int64_t>(begins_[id + 1] - begins_[id]);
  }
  std::size_t memory_bytes() const override {
    return bytes_.capacity() + entries_.capacity() * sizeof(Entry);
  }

 private:
  struct Entry {
    Id id;
    std::size_t begin;  // in bytes_
    std::size_t length;
  };
  std::string_view value(const Entry& entry) const {
    return std::string_view(bytes_).substr(entry.begin, entry.length);
  }

  std::size_t groups_ = 0;
  std::string bytes_;
  std::vector<Entry> entries_;
  std::vector<std::size_t> begins_;  // after finish(): of each group's entries
};

// The pairs of group and value that were seen, as keys of an index: the id's bytes, then the value.
class Distinct final : public Aggregate {
 public:
  void resize(std::size_t groups) override { counts_.resize(groups); }
  void begin_one() override {
    pairs_.clear();
    counts_.assign(1, 0);
  }
  void add(std::span<const Id> ids, const Values& values) override {
    for (std::size_t i = 0; i < ids.size(); ++i) add_pair(ids[i], values.texts[i]);
  }
  void merge(const Aggregate& from, std::span<const Id> groups, std::span<const Id> to) override {
    const auto& other = static_cast<const Distinct&>(from);
    const std::vector<Id> ours = spread(other.counts_.size(), groups, to);
    for (Id pair = 0; pair < other.pairs_.size(); ++pair) {
      const Id id = ours[other.group_of(pair)];
      if (id != kNowhere) add_pair(id, other.pairs_.key(pair).substr(sizeof id));
    }
  }
  // Ids of pairs, those of a group side by side.
  void group_states() override {
    begins_.assign(counts_.size() + 1, 0);
    for (std::size_t g = 0; g < counts_.size(); ++g) {
      begins_[g + 1] = begins_[g] + static_cast<std::size_t>(counts_[g]);
    }
    std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
    by_group_.resize(pairs_.size());
    for (Id pair = 0; pair < pairs_.size(); ++pair) by_group_[next[group_of(pair)]++] = pair;
  }
  std::size_t append_state(Id id, std::size_t from, std::size_t most,
                           std::string* out) const override {
    return append_values(begins_, id, from, most, out, [this](std::size_t i) {
      return pairs_.key(by_group_[i]).substr(sizeof(Id));
    });
  }
  void merge_state(Id id, std::string_view state) override {
    while (!state.empty()) add_pair(id, take_stored_value(&state));
  }
  void prefetch(Id id) const override { __builtin_prefetch(&counts_[id]); }
  void append_result(Id id, std::string_view, std::string* out) const override {
    *out += std::to_string(counts_[id]);
  }
  Number number(Id id) const override { return counts_[id]; }
  std::size_t memory_bytes() const override {
    return pairs_.memory_bytes() + counts_.capacity() * sizeof(std::int64_t);
  }

 private:
  Id group_of(Id pair) const {
    std::string_view key = pairs_.key(pair);
    return take_bytes<Id>(&key);
  }
  void add_pair(Id id, std::string_view value) {
    pair_.assign(reinterpret_cast<const char*>(&id), sizeof id);
    pair_ += value;
    const std::string_view key = pair_;
    const std::size_t before = pairs_.size();
    Id unused = 0;
    pairs_.add({&key, 1}, {&unused, 1});
    counts_[id] += pairs_.size() > before ? 1 : 0;
  }

  KeyIndex pairs_;
  std::vector<std::int64_t> counts_;
  std::vector<std::size_t> begins_;  // after group_states(): of each group in by_group_
  std::vector<Id> by_group_;
  std::string pair_;
};

}  // namespace

std::string_view aggregate_name(AggregateKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<AggregateKind> find_aggregate(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<AggregateKind>(found - kNames.begin());
}

bool wants_numbers(AggregateKind kind) {
  return kind == AggregateKind::kSum || kind == AggregateKind::kMin ||
         kind == AggregateKind::kMax || kind == AggregateKind::kMean;
}

bool has_small_states(AggregateKind kind) {
  return kind == AggregateKind::kCount || wants_numbers(kind);
}

void Aggregate::add_counts(std::span<const std::int64_t> /*counts*/) {
  throw std::logic_error("this aggregate does not count");
}

std::unique_ptr<Aggregate> Aggregate::make(AggregateKind kind) {
  switch (kind) {
    case AggregateKind::kCount:
      return std::make_unique<Count>();
    case AggregateKind::kSum:
      return std::make_unique<OfNumbers<SumState>>();
    case AggregateKind::kMin:
      return std::make_unique<OfNumbers<ExtremeState<Keep::kLess>>>();
    case AggregateKind::kMax:
      return std::make_unique<OfNumbers<ExtremeState<Keep::kGreater>>>();
    case AggregateKind::kMean:
      return std::make_unique<OfNumbers<MeanState>>();
    case AggregateKind::kList:
      return std::make_unique<List>();
    case AggregateKind::kDistinct:
      return std::make_unique<Distinct>();
  }
  return nullptr;
}

}  // namespace gorun::jobs
