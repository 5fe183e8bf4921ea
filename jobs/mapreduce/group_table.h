// jobs/mapreduce/group_table.h - groups and their aggregates: a mapper's combiner, a reducer's
// table.
//
//   mapper:   add() batches; when memory_bytes() is over its budget, or at the end, take() the
//             groups and share them with every reducer (dealt_table.h)
//   reducer:  merge() its groups of every table it is given; finish(); rows in the order of keys
//
// Groups have ids, and each aggregate a column of states (key_index.h, aggregate.h); unless all of
// them are counts, which lie beside the keys (count_table.h).
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
#include "jobs/mapreduce/count_table.h"
#include "jobs/mapreduce/key_index.h"
#include "jobs/mapreduce/shards.h"

namespace gorun::jobs {

class DealtTable;
class StoredGroup;

/// threads  one at a time; const methods from any thread while nobody changes it.
class GroupTable {
 public:
  using Id = KeyIndex::Id;

  /// One aggregate for each kind, numbered from 0; at least one.
  /// shards  as those of a CountTable.
  explicit GroupTable(std::span<const AggregateKind> kinds, Shards shards = Shards(1))
      : GroupTable(kinds, CountTable(shards)) {}
  /// As the CountTable of that name.
  [[nodiscard]] static GroupTable for_ordered_hashes(std::span<const AggregateKind> kinds) {
    return {kinds, CountTable::for_ordered_hashes()};
  }
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
  /// Adds groups of a table of the same kinds, all of which have small states.
  void add_groups(std::span<const StoredGroup> groups);
  /// Adds `times` records of one key that all aggregates merely count.
  void add_times(std::string_view key, std::int64_t times);

  /// Gives back what only adding and merging into the table need, the larger part. Nothing is added
  /// afterwards, until clear(). Groups have ids then: 0 to size() - 1.
  void end_adding();
  /// Moves all groups to where shards find them. This table is empty then, and keeps the memory in
  /// which the keys of as many are looked up.
  [[nodiscard]] DealtTable take(Shards shards);
  /// The same at the end, without a memory to keep.
  [[nodiscard]] DealtTable deal(Shards shards) &&;

  struct Merged {
    std::size_t all = 0;       // groups of a shard
    std::size_t new_ones = 0;  // that were not in this table
  };
  /// Adds a shard's groups of a table of the same kinds, at most `most_new` of which are new.
  Merged merge(const DealtTable& from, std::size_t shard, std::size_t most_new);
  /// What merge() would return.
  [[nodiscard]] Merged compare(const DealtTable& from, std::size_t shard) const;

  /// Whether all aggregates are counts, which is asked for by these:
  [[nodiscard]] bool can_append() const { return only_counts_; }
  /// As those of a CountTable.
  std::size_t append(const DealtTable& from, std::size_t shard);
  void forget_appended() { counts_.forget_appended(); }

  [[nodiscard]] std::size_t size() const { return only_counts_ ? counts_.size() : keys_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const;
  /// Bytes that the table holds at most while `more` new keys are added.
  [[nodiscard]] std::size_t bytes_while_adding(std::size_t more) const;
  void clear();

  /// To be called once before states are asked for, after end_adding().
  void group_states();
  /// As that of an Aggregate.
  std::size_t append_state(Id id, std::size_t aggregate, std::size_t from, std::size_t most,
                           std::string* out) const;

  /// To be called once after the last add() or merge() and before results are read.
  void finish();
  /// All groups in the byte order of their keys.
  [[nodiscard]] std::vector<Id> sorted_ids() const;
  [[nodiscard]] std::string_view key(Id id) const {
    return only_counts_ ? counts_.key(id) : keys_.key(id);
  }
  /// Where the key and its count lie together; nullptr: the aggregates are not all counts.
  [[nodiscard]] const CountSlot* count_slot(Id id) const {
    return only_counts_ ? &counts_.slot(id) : nullptr;
  }
  /// Of the key.
  [[nodiscard]] std::uint64_t hash(Id id) const {
    return only_counts_ ? counts_.hash(id) : keys_.hash(id);
  }
  /// Has the memory fetch a group that will be asked for in a while; in a second step, its key's
  /// bytes. In the order of their keys groups lie all over the place.
  void prefetch(Id id) const {
    if (only_counts_) return counts_.prefetch(id);
    keys_.prefetch(id);
    for (const auto& aggregate : aggregates_) aggregate->prefetch(id);
  }
  void prefetch_key(Id id) const {
    return only_counts_ ? counts_.prefetch_bytes(id) : keys_.prefetch_bytes(id);
  }
  /// Appends a result as text; a list's values are separated by `separator`.
  void append_result(Id id, std::size_t aggregate, std::string* out,
                     std::string_view separator = ",") const;
  /// A result as a number, to sort by; a list's is its length.
  [[nodiscard]] Number number(Id id, std::size_t aggregate) const;

 private:
  GroupTable(std::span<const AggregateKind> kinds, CountTable&& counts);
  void make_aggregates();
  std::span<const std::string_view> keys_of(std::span<const Id> groups,
                                            std::vector<std::string_view>* keys) const;
  void merge_groups(const GroupTable& from, std::span<const Id> groups);

  std::vector<AggregateKind> kinds_;
  bool wants_numbers_ = false;
  bool only_counts_ = false;
  CountTable counts_;  // if there is nothing else, of all aggregates; else there are the others
  KeyIndex keys_;
  std::vector<std::unique_ptr<Aggregate>> aggregates_;
  // Scratch.
  std::vector<Id> ids_;                   // of add_values(), add_groups() and merge()
  std::vector<std::string_view> merged_;  // keys, likewise
  std::vector<std::int64_t> times_;       // of add_groups()
  std::vector<Number> numbers_;           // of add()
};

}  // namespace gorun::jobs
