// jobs/mapreduce/group_table.h - groups and their aggregates: a mapper's combiner, a reducer's
// table.
//
//   mapper:   add() batches; when memory_bytes() is over its budget, or at the end, take() the
//             groups and share them with every reducer (dealt_table.h)
//   reducer:  merge() its groups of every table it is given; finish(); rows in the order of keys
//
// A table that is only read may be read by many: reducers take their shards out of the same
// table without a lock and without a copy made for each, and the last one drops it. Keys are
// dealt to shards by their hash, so two reducers never hold the same key, and the rows of all
// reducers, merged by key, are the same bytes however many mappers and reducers there were.
// Not chosen: a table per mapper and shard. Batches are then split before they are looked up, and
//   the memory of many small tables is used less well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/mapreduce/aggregate.h"
#include "jobs/mapreduce/key_index.h"

namespace gorun::jobs {

/// threads  one at a time; const methods from any thread while nobody changes it.
class GroupTable {
 public:
  using Id = KeyIndex::Id;

  /// One aggregate for each kind, numbered from 0; at least one.
  explicit GroupTable(std::span<const AggregateKind> kinds);
  GroupTable(GroupTable&&) noexcept = default;
  GroupTable& operator=(GroupTable&&) noexcept = default;

  /// Adds records: keys[i] with the text texts[i] for every aggregate. `texts` may be empty if all
  /// aggregates are counts.
  /// returns  how many were added: all, or those before the first text that should be a number and
  ///          is none. Go on behind it, or give up.
  [[nodiscard]] std::size_t add(std::span<const std::string_view> keys,
                                std::span<const std::string_view> texts = {});
  /// The same with a column of values for each aggregate, of which what it needs is there.
  void add_values(std::span<const std::string_view> keys, std::span<const Values> values);
  /// Adds `times` records of one key that all aggregates merely count.
  void add_times(std::string_view key, std::int64_t times);

  /// Ends a row of adds: from here the table may be read or merged into others, until the next one.
  void settle();

  /// Gives back what only adding and merging into the table need, the larger part. It is settled,
  /// and nothing is added afterwards, until clear().
  void end_adding() { keys_.end_adding(); }
  /// Moves all groups to a table to which none is added; settles them. This one is empty then, and
  /// keeps the memory in which the keys of as many are looked up.
  [[nodiscard]] GroupTable take();

  /// Adds these groups of `from`, which is settled and has the same kinds.
  void merge(const GroupTable& from, std::span<const Id> groups);

  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const;
  /// Bytes that the table holds at most while `more` new keys are added, and then settled.
  [[nodiscard]] std::size_t bytes_while_adding(std::size_t more) const;
  /// How many of these groups of `from` merge() would add.
  [[nodiscard]] std::size_t count_new(const GroupTable& from, std::span<const Id> groups) const;
  void clear();

  /// To be called once before states are asked for, when the table is settled.
  void group_states();
  void append_state(Id id, std::size_t aggregate, std::string* out) const {
    aggregates_[aggregate]->append_state(id, out);
  }

  /// To be called once after the last add() or merge() and before results are read.
  void finish();
  /// All groups in the byte order of their keys.
  [[nodiscard]] std::vector<Id> sorted_ids() const { return keys_.sorted_ids(); }
  [[nodiscard]] std::string_view key(Id id) const { return keys_.key(id); }
  [[nodiscard]] std::uint64_t hash(Id id) const { return keys_.hash(id); }
  /// Has the memory fetch a group that will be asked for in a while; in a second step, its key's
  /// bytes. In the order of their keys groups lie all over the place.
  void prefetch(Id id) const {
    keys_.prefetch(id);
    for (const auto& aggregate : aggregates_) aggregate->prefetch(id);
  }
  void prefetch_key(Id id) const { keys_.prefetch_bytes(id); }
  /// Appends a result as text; a list's values are separated by `separator`.
  void append_result(Id id, std::size_t aggregate, std::string* out,
                     std::string_view separator = ",") const;
  /// A result as a number, to sort by; a list's is its length.
  [[nodiscard]] Number number(Id id, std::size_t aggregate) const;

 private:
  void make_aggregates();
  std::span<const std::string_view> keys_of(std::span<const Id> groups,
                                            std::vector<std::string_view>* keys) const;

  std::vector<AggregateKind> kinds_;
  bool wants_numbers_ = false;
  // All aggregates are counts: between adds they lie in the slots of keys_, one cache line a key.
  bool only_counts_ = false;
  KeyIndex keys_;
  std::vector<std::unique_ptr<Aggregate>> aggregates_;
  // Scratch.
  std::vector<Id> ids_;                   // of add_values() and merge()
  std::vector<std::string_view> merged_;  // of merge(): keys
  std::vector<Number> numbers_;           // of add()
};

}  // namespace gorun::jobs
