// jobs/mapreduce/aggregate.h - what is made of the values of each group: one column of states,
// indexed by the ids of a KeyIndex.
//
// Every aggregate here can be merged: the states of two tables over two parts of the input give
// the state over both, in whatever order parts are merged. So each mapper may combine what it sees
// and reducers merge the tables. Columns are updated a batch at a time: one virtual call for
// hundreds of records.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "jobs/mapreduce/key_index.h"
#include "jobs/mapreduce/number.h"

namespace gorun::jobs {

enum class AggregateKind : std::uint8_t {
  kCount,     // records; looks at no value
  kSum,       // of numbers, exact
  kMin,       // the smallest number
  kMax,       // the largest number
  kMean,      // the arithmetic mean of numbers, a double
  kList,      // all values, in byte order
  kDistinct,  // how many different values, compared as bytes
};

/// "count", "sum", ...: the names in job files.
[[nodiscard]] std::string_view aggregate_name(AggregateKind kind);
[[nodiscard]] std::optional<AggregateKind> find_aggregate(std::string_view name);

/// True if the values must be numbers; else kCount needs none and the others need texts.
[[nodiscard]] bool wants_numbers(AggregateKind kind);

/// True if the states of two groups put together take no more than one of them does; else they keep
/// values.
[[nodiscard]] bool has_small_states(AggregateKind kind);

/// The values of a batch, each as the aggregates need it; a span that none of them needs may be
/// empty.
struct Values {
  std::span<const std::string_view> texts;  // of kList and kDistinct
  std::span<const Number> numbers;          // of those for which wants_numbers()
  std::span<const std::int64_t> integers;   // the same in place of numbers, if all are integers
};

/// threads  one at a time; const methods from any thread while nobody changes it.
class Aggregate {
 public:
  using Id = KeyIndex::Id;

  [[nodiscard]] static std::unique_ptr<Aggregate> make(AggregateKind kind);
  virtual ~Aggregate() = default;
  Aggregate(const Aggregate&) = delete;
  Aggregate& operator=(const Aggregate&) = delete;

  /// Makes room for groups 0 to `groups` - 1. Called before any of the others sees such an id.
  virtual void resize(std::size_t groups) = 0;

  /// Adds the i-th value to group ids[i].
  virtual void add(std::span<const Id> ids, const Values& values) = 0;

  /// Adds counts[i] to group i. Only for kCount.
  virtual void add_counts(std::span<const std::int64_t> counts);

  /// Adds states of `from`, an aggregate of the same kind: its group groups[i] to our group to[i].
  virtual void merge(const Aggregate& from, std::span<const Id> groups, std::span<const Id> to) = 0;

  /// Called once before states are asked for, after the last add or merge.
  virtual void group_states() {}
  /// Appends the state of a group as bytes, for merge_state() of an aggregate of the same kind in
  /// the same process. One that keeps values may be long, and goes in parts of about `most` bytes,
  /// of which each is a state; the others are in one, and behind it empty.
  /// from     0, or what was returned for the part before.
  /// returns  0: that was the last one.
  virtual std::size_t append_state(Id id, std::size_t from, std::size_t most,
                                   std::string* out) const = 0;
  /// That of `count`, as its append_state() has it: up to 8 bytes. Most counts are small: it is the
  /// number's bytes, the least first, those that are not zero.
  /// returns  its end.
  static char* write_count_state(std::int64_t count, char* to) {
    for (auto rest = static_cast<std::uint64_t>(count); rest > 0; rest >>= 8) {
      *to++ = static_cast<char>(rest & 0xFF);
    }
    return to;
  }
  static void append_count_state(std::int64_t count, std::string* out) {
    std::array<char, sizeof count> state;
    char* const end = write_count_state(count, state.data());
    out->append(state.data(), static_cast<std::size_t>(end - state.data()));
  }
  [[nodiscard]] static std::int64_t read_count_state(std::string_view state) {
    std::uint64_t count = 0;
    for (std::size_t i = state.size(); i > 0; --i) {
      count = count << 8 | static_cast<unsigned char>(state[i - 1]);
    }
    return static_cast<std::int64_t>(count);
  }
  /// state  empty: no values.
  virtual void merge_state(Id id, std::string_view state) = 0;

  /// Called once before results are asked for, after the last add or merge.
  virtual void finish() {}
  /// Back to what it was after resize(1).
  virtual void begin_one() = 0;

  /// A hint: the group's result is asked for in a while.
  virtual void prefetch(Id /*id*/) const {}
  /// The group's result as a text; a list's values are separated by `separator`.
  virtual void append_result(Id id, std::string_view separator, std::string* out) const = 0;
  /// The result as a number, to sort by; a list's is its length.
  [[nodiscard]] virtual Number number(Id id) const = 0;

  /// Bytes held, to within a few percent.
  [[nodiscard]] virtual std::size_t memory_bytes() const = 0;

 protected:
  Aggregate() = default;
};

}  // namespace gorun::jobs
