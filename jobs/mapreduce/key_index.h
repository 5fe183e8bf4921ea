// jobs/mapreduce/key_index.h - numbers for keys: the first key added is 0, the next new one 1, ...
//
// The heart of grouping: an open-addressing table of 32-byte slots (two to a cache line) with
// linear probing, at most half full. A key of up to 16 bytes lies in its slot, so looking up a
// word touches one cache line; a longer one leaves its whole hash there and its bytes in the arena.
// Keys come in batches: all are hashed and their slots prefetched before the first is looked up,
// so that the memory's latency is paid once for many keys.
//
// Invariants
//   I1  Ids are dense: 0 to size() - 1, in the order in which the keys first came.
//   I2  hash(id) depends on the key alone: a key belongs to the same shard in whatever table it was
//       counted. Slots are chosen by its low half, shards by its high half.
//   I3  Views that key() returns are good until clear() or destruction: the arena never moves.
//       take() moves it to another index, of which they are then.
// A long key is hashed by XXH3, a short one by one multiplication of its padded words, which takes
// no branch on the length: mispredicted, that costs more than the hash. Not for hostile input: who
// chooses the keys can make them collide, which costs time and nothing else.
// Not chosen: std::unordered_map, a node and an allocation for every key; states in the slots,
//   which makes one table per kind of aggregate and probing slower the larger they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "jobs/large_memory.h"

namespace gorun::jobs {

/// Reducers, each with a part of all keys.
class Shards {
 public:
  /// count  from 1 to 2^32.
  explicit Shards(std::size_t count) : count_(count) {}
  /// The number of the one whose the key with this hash is.
  [[nodiscard]] std::size_t owner(std::uint64_t hash) const {
    return static_cast<std::size_t>(((hash >> 32) * count_) >> 32);
  }

 private:
  std::uint64_t count_;
};

/// threads  one at a time; const methods from any thread while nobody adds.
class KeyIndex {
 public:
  using Id = std::uint32_t;

  KeyIndex() = default;
  KeyIndex(KeyIndex&&) noexcept = default;
  KeyIndex& operator=(KeyIndex&&) noexcept = default;

  /// Writes the id of keys[i] to ids[i]; a key that is not there yet is added and copied.
  /// errors  std::length_error for a key of 4 GiB, or the 2^32nd key; std::bad_alloc.
  void add(std::span<const std::string_view> keys, std::span<Id> ids);

  /// Adds 1 to the count of each key, which lies in its slot: one cache line a key, and no id.
  /// errors  as add()
  void count(std::span<const std::string_view> keys);
  void count(std::string_view key, std::int64_t times);
  /// Adds each key's count to counts[id], of which there are size(), and sets it to 0.
  void take_counts(std::span<std::int64_t> counts);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::string_view key(Id id) const {
    return {entries_[id].bytes, entries_[id].length};
  }
  [[nodiscard]] std::uint64_t hash(Id id) const { return entries_[id].hash; }
  /// Has the memory fetch what key() and hash() look at; in a second step, the key's bytes.
  void prefetch(Id id) const { __builtin_prefetch(&entries_[id]); }
  void prefetch_bytes(Id id) const { __builtin_prefetch(entries_[id].bytes); }

  /// Makes room for `keys` keys in all, which are then added without the table being rebuilt.
  void reserve(std::size_t keys) { reserve_for(keys > size() ? keys - size() : 0); }

  /// Bytes that this index holds, to within a few percent.
  [[nodiscard]] std::size_t memory_bytes() const;

  /// How many of different keys are not there yet.
  [[nodiscard]] std::size_t count_new(std::span<const std::string_view> keys) const;
  /// Whether adding so many new keys makes it grow.
  [[nodiscard]] bool grows_with(std::size_t more) const {
    return slots_for(more + kBatch) > slot_count_ || size() + more > entries_.capacity();
  }
  /// Bytes that this index holds at most while `more` new keys are added, for which it may have to
  /// grow; of long keys it takes as many more as they are longer.
  [[nodiscard]] std::size_t bytes_while_adding(std::size_t more) const;
  /// Gives back what only adding needs; no key is added afterwards, until clear().
  void end_adding();
  /// Moves all keys, with their ids, to an index to which none is added. This one is empty then,
  /// and keeps the memory in which as many new ones are looked up.
  [[nodiscard]] KeyIndex take();

  /// Forgets all keys and gives their memory back.
  void clear() { *this = KeyIndex(); }

  /// All ids in the byte order of their keys.
  [[nodiscard]] std::vector<Id> sorted_ids() const;

 private:
  // So many keys are hashed and prefetched together; room is made for as many, new or not.
  static constexpr std::size_t kBatch = 256;

  struct Slot {
    std::uint64_t first;  // of a short key: its bytes; of a long one: its hash
    std::uint64_t second;
    std::uint32_t tag;  // one of the following; of a short key: its length + kShortTag
    Id id;
    std::int64_t count;
  };
  static_assert(sizeof(Slot) == 32);
  static constexpr std::uint32_t kFreeTag = 0;
  static constexpr std::uint32_t kLongTag = 1;
  static constexpr std::uint32_t kShortTag = 2;
  struct Entry {
    const char* bytes;
    std::uint32_t length;
    std::uint64_t hash;
  };
  // What is computed of a key before the table is looked at.
  struct Probe {
    std::uint64_t hash;
    std::uint64_t first;  // as in the slot
    std::uint64_t second;
  };

  static void fill_probe(std::string_view key, Probe* probe);
  [[nodiscard]] static std::uint64_t hash_in(const Slot& slot);
  [[nodiscard]] std::size_t slots_for(std::size_t more) const;
  void reserve_for(std::size_t more);
  Slot& find_or_add(std::string_view key, const Probe& probe);
  [[nodiscard]] static bool is_of_short(const Slot& slot, std::string_view key, const Probe& probe);
  [[nodiscard]] bool is_of(const Slot& slot, std::string_view key, const Probe& probe) const;
  const char* keep(std::string_view key);

  LargeArray<Slot> slots_;
  std::size_t slot_count_ = 0;  // a power of two, or 0
  std::vector<Entry> entries_;
  std::vector<std::unique_ptr<char[]>> arena_;
  char* arena_free_ = nullptr;
  std::size_t arena_left_ = 0;
  std::size_t arena_bytes_ = 0;
};

}  // namespace gorun::jobs
