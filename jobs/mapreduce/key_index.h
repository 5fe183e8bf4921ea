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
//       counted. Slots are chosen by its lowest bits, shards by its highest.
//   I3  Views that key() returns are good until clear() or destruction: the arena never moves.
//       take() moves it to another index, of which they are then.
// Not chosen: std::unordered_map, a node and an allocation for every key; states in the slots,
//   which makes one table per kind of aggregate and probing slower the larger they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "jobs/large_memory.h"
#include "jobs/mapreduce/key_arena.h"

namespace gorun::jobs {

struct KeyProbe;

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

  // Two to a cache line: none lies in two.
  struct Slot {
    std::uint64_t first;  // of a short key: its bytes; of a long one: its hash
    std::uint64_t second;
    std::uint32_t tag;  // key_words.h
    Id id;
    std::uint64_t unused;
  };
  static_assert(sizeof(Slot) == 32);
  struct Entry {
    const char* bytes;
    std::uint32_t length;
    std::uint64_t hash;
  };
  [[nodiscard]] std::size_t slots_for(std::size_t more) const;
  void reserve_for(std::size_t more);
  Slot& find_or_add(std::string_view key, const KeyProbe& probe);
  [[nodiscard]] static bool is_of_short(const Slot& slot, std::string_view key,
                                        const KeyProbe& probe);
  [[nodiscard]] bool is_of(const Slot& slot, std::string_view key, const KeyProbe& probe) const;

  LargeArray<Slot> slots_;
  std::size_t slot_count_ = 0;  // a power of two, or 0
  std::vector<Entry> entries_;
  KeyArena arena_;
};

}  // namespace gorun::jobs
