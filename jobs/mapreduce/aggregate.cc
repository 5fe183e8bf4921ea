#include "jobs/mapreduce/aggregate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace gorun::jobs {
namespace {

using Id = Aggregate::Id;

constexpr std::array<std::string_view, 7> kNames = {"count", "sum",  "min",     "max",
                                                    "mean",  "list", "distinct"};

class Count final : public Aggregate {
 public:
  void resize(std::size_t groups) override { counts_.resize(groups); }
  void add(std::span<const Id> ids, const Values&) override {
    for (const Id id : ids) ++counts_[id];
  }
  void merge(const Aggregate& from, std::span<const Id> to) override {
    const auto& other = static_cast<const Count&>(from);
    for (std::size_t g = 0; g < to.size(); ++g) {
      if (to[g] != kNowhere) counts_[to[g]] += other.counts_[g];
    }
  }
  void append_result(Id id, std::string_view, std::string* out) const override {
    *out += std::to_string(counts_[id]);
  }
  Number number(Id id) const override { return counts_[id]; }
  std::size_t memory_bytes() const override { return counts_.capacity() * sizeof(std::int64_t); }

 private:
  std::vector<std::int64_t> counts_;
};

// The common part of the aggregates of numbers: State has add(Number) and add(State).
template <class State>
class OfNumbers : public Aggregate {
 public:
  void resize(std::size_t groups) override { states_.resize(groups); }
  void add(std::span<const Id> ids, const Values& values) override {
    for (std::size_t i = 0; i < ids.size(); ++i) states_[ids[i]].add(values.numbers[i]);
  }
  void merge(const Aggregate& from, std::span<const Id> to) override {
    const auto& other = static_cast<const OfNumbers&>(from);
    for (std::size_t g = 0; g < to.size(); ++g) {
      if (to[g] != kNowhere) states_[to[g]].add(other.states_[g]);
    }
  }
  void append_result(Id id, std::string_view, std::string* out) const override {
    states_[id].append_to(out);
  }
  Number number(Id id) const override { return states_[id].number(); }
  std::size_t memory_bytes() const override { return states_.capacity() * sizeof(State); }

 private:
  std::vector<State> states_;
};

class SumState {
 public:
  void add(const Number& number) { sum_.add(number); }
  void add(const SumState& other) { sum_.add(other.sum_); }
  void append_to(std::string* out) const { sum_.append_to(out); }
  Number number() const { return sum_.number(); }

 private:
  ExactSum sum_;
};

class MeanState {
 public:
  void add(const Number& number) {
    sum_.add(number);
    ++count_;
  }
  void add(const MeanState& other) {
    sum_.add(other.sum_);
    count_ += other.count_;
  }
  void append_to(std::string* out) const { append_number(number(), out); }
  Number number() const { return count_ == 0 ? 0.0 : sum_.mean(count_); }

 private:
  ExactSum sum_;
  std::uint64_t count_ = 0;
};

enum class Keep { kLess, kGreater };

template <Keep kKeep>
class ExtremeState {
 public:
  void add(const Number& candidate) {
    const bool better =
        kKeep == Keep::kLess ? is_less(candidate, best_) : is_less(best_, candidate);
    // Of 1 and 1.0 the integer is kept, whichever came first.
    const bool simpler = candidate.index() < best_.index() && !is_less(candidate, best_) &&
                         !is_less(best_, candidate);
    if (!any_ || better || simpler) best_ = candidate;
    any_ = true;
  }
  void add(const ExtremeState& other) {
    if (other.any_) add(other.best_);
  }
  void append_to(std::string* out) const { append_number(best_, out); }
  Number number() const { return best_; }

 private:
  Number best_;
  bool any_ = false;
};

// Values in the order in which they came; sorted by group and value at the end.
class List final : public Aggregate {
 public:
  void resize(std::size_t groups) override { groups_ = groups; }
  void add(std::span<const Id> ids, const Values& values) override {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      entries_.push_back({ids[i], bytes_.size(), values.texts[i].size()});
      bytes_ += values.texts[i];
    }
  }
  void merge(const Aggregate& from, std::span<const Id> to) override {
    const auto& other = static_cast<const List&>(from);
    for (const Entry& entry : other.entries_) {
      if (to[entry.id] == kNowhere) continue;
      entries_.push_back({to[entry.id], bytes_.size(), entry.length});
      bytes_ += other.value(entry);
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
  void add(std::span<const Id> ids, const Values& values) override {
    for (std::size_t i = 0; i < ids.size(); ++i) add_pair(ids[i], values.texts[i]);
  }
  void merge(const Aggregate& from, std::span<const Id> to) override {
    const auto& other = static_cast<const Distinct&>(from);
    for (Id pair = 0; pair < other.pairs_.size(); ++pair) {
      const std::string_view key = other.pairs_.key(pair);
      Id id = 0;
      std::memcpy(&id, key.data(), sizeof id);
      if (to[id] != kNowhere) add_pair(to[id], key.substr(sizeof id));
    }
  }
  void append_result(Id id, std::string_view, std::string* out) const override {
    *out += std::to_string(counts_[id]);
  }
  Number number(Id id) const override { return counts_[id]; }
  std::size_t memory_bytes() const override {
    return pairs_.memory_bytes() + counts_.capacity() * sizeof(std::int64_t);
  }

 private:
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
