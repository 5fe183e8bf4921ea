// jobs/mapreduce/count_table.h - how often each key came: groups whose aggregates are all counts.
//
// An open-addressing table of 32-byte slots (two to a cache line) with linear probing, at most half
// full. A slot is all there is of a key of up to 16 bytes, its count included: what is counted
// touches one cache line, and a key that is new is written down once. Of a longer key the slot says
// where its bytes are.
//
// Slots are in the order of hashes: a key's home is its hash as a part of 2^64, times the number of
// slots. Three things follow.
//   - The keys of one shard lie side by side: who hands a table over sorts nothing, and a shard
//     reads its part from one end to the other.
//   - The shard's own table is in the same order, so merging walks through both: what it looks for
//     next is next to what it found.
//   - A table grows where it is: from its end to its beginning, each key moves to about twice its
//     place. What is behind is memory that the kernel has just given; the old half is not copied,
//     and the two never stand side by side.
//
// Invariants
//   I1  Between a key's home and its slot, round the end if need be, no slot is free.
//   I2  A key is nowhere twice.
//   I3  Views that key() returns are good until the table changes.
// Keys come in batches (key_index.h). Hashes are those of key_words.h.
// Not chosen: ids and a column of counts, as other aggregates have them (key_index.h). With them a
//   key that is new is written to four places, and merging reads all of them here and there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "jobs/large_memory.h"
#include "jobs/mapreduce/key_arena.h"
#include "jobs/mapreduce/shards.h"

namespace gorun::jobs {

struct KeyProbe;
class DealtCounts;

/// A key and its count.
struct CountSlot {
  std::uint64_t first;   // of a short key: its bytes; of a long one: its hash
  std::uint64_t second;  // of a long one: where its bytes are
  std::uint32_t tag;     // key_words.h
  std::uint32_t length;
  std::int64_t count;

  [[nodiscard]] std::string_view key() const;
};
static_assert(sizeof(CountSlot) == 32);

/// Slots in which a shard's keys lie, and maybe some of others' and free ones.
struct SlotsOfShard {
  std::span<const CountSlot> slots;
  std::span<const CountSlot> round_the_end;  // from the beginning of a table
  [[nodiscard]] std::size_t size() const { return slots.size() + round_the_end.size(); }
};

/// threads  one at a time; const methods from any thread while nobody changes it.
class CountTable {
 public:
  using Id = std::uint32_t;

  /// shards  the keys that come are those of one of so many, whose hashes are to be spread over the
  ///         whole table. Others are welcome, too.
  explicit CountTable(Shards shards = Shards(1)) : CountTable(Homes{shards.count(), 0}) {}
  /// One for keys that come in the order of their hashes, which are to be spread over all of it,
  /// too.
  [[nodiscard]] static CountTable for_ordered_hashes() { return CountTable(Homes{kSpread, 0}); }
  CountTable(CountTable&&) noexcept = default;
  CountTable& operator=(CountTable&&) noexcept = default;

  /// Adds 1 to the count of each key.
  /// errors  std::length_error for a key of 4 GiB, or more than 2^31 keys; std::bad_alloc.
  void count(std::span<const std::string_view> keys);
  void count(std::string_view key, std::int64_t times);
  /// Adds times[i] to the count of keys[i].
  void count(std::span<const std::string_view> keys, std::span<const std::int64_t> times);

  /// Adds the counts of a shard's keys, of which at most `most_new` are not in this table.
  /// returns  how many keys those are.
  std::size_t merge(const DealtCounts& from, std::size_t shard, std::size_t most_new);
  struct Comparison {
    std::size_t all = 0;       // keys of a shard
    std::size_t new_ones = 0;  // that are not in this table
  };
  [[nodiscard]] Comparison compare(const DealtCounts& from, std::size_t shard) const;

  /// Appends a shard's keys with their counts, in no order and though they may be there already:
  /// nothing is looked for. Only to an empty table or to what was appended, as if after
  /// end_adding(): nothing is looked for until clear(), either.
  /// returns  how many they were.
  std::size_t append(const DealtCounts& from, std::size_t shard);
  /// Forgets what was appended and keeps its memory for more of it.
  void forget_appended();

  [[nodiscard]] std::size_t size() const { return size_; }
  /// Bytes held, to within a few percent.
  [[nodiscard]] std::size_t memory_bytes() const {
    return slot_count_ * sizeof(CountSlot) + arena_.memory_bytes();
  }
  /// Bytes held at most while `more` new keys are added; of long keys as many more as they are
  /// longer.
  [[nodiscard]] std::size_t bytes_while_adding(std::size_t more) const;

  /// Moves all to where shards find them. This table is empty then. It and the one that take() is
  /// called of are not a shard's.
  [[nodiscard]] DealtCounts deal(Shards shards) &&;
  /// Writes all down without the free slots between. This table is empty then, and keeps the memory
  /// in which as many new ones are counted.
  [[nodiscard]] DealtCounts take(Shards shards);

  /// Gives back what only adding needs. No key is added afterwards, until clear(). Keys have ids
  /// then: 0 to size() - 1.
  void end_adding();
  void clear() { *this = CountTable(Homes{homes_.factor, 0}); }

  // After end_adding():
  [[nodiscard]] std::string_view key(Id id) const { return slots_[id].key(); }
  [[nodiscard]] std::int64_t count_of(Id id) const { return slots_[id].count; }
  [[nodiscard]] const CountSlot& slot(Id id) const { return slots_[id]; }
  [[nodiscard]] std::uint64_t hash(Id id) const;
  /// Has the memory fetch what key() and count_of() look at; in a second step, the key's bytes.
  void prefetch(Id id) const { __builtin_prefetch(&slots_[id]); }
  void prefetch_bytes(Id id) const;

 private:
  // So many keys are hashed and prefetched together; room is made for as many, new or not.
  static constexpr std::size_t kBatch = 256;

  // Where keys are at home: a hash's place among those of a shard, as a part of 2^64.
  struct Homes {
    std::uint64_t factor;  // the number of shards
    int shift;             // 64 less the bits of a slot's number
    [[nodiscard]] std::size_t of(std::uint64_t hash) const {
      return static_cast<std::size_t>((hash * factor) >> shift) & ~std::size_t{1};
    }
  };
  // Fibonacci hashing: hashes of any range come to lie far from each other (D. Knuth, The Art of
  // Computer Programming, volume 3, 6.4).
  static constexpr std::uint64_t kSpread = 0x9E37'79B9'7F4A'7C15;

  explicit CountTable(Homes homes) : homes_(homes) {}

  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (slot_count_ - 1); }
  [[nodiscard]] std::size_t slots_for(std::size_t more) const;
  void reserve_for(std::size_t more) {
    if (2 * (size_ + more) > slot_count_) grow(slots_for(more));
  }
  void grow(std::size_t slots);
  void spread(std::size_t old_count);
  void lift(std::size_t begin, std::size_t end, std::vector<CountSlot>* lifted);
  CountSlot& find_or_add(std::string_view key, const KeyProbe& probe);
  void add(const CountSlot& more, std::size_t home);
  [[nodiscard]] std::size_t next_free(std::size_t at) const;
  [[nodiscard]] SlotsOfShard part_of(std::size_t shard, Shards shards) const;

  Homes homes_;
  LargeArray<CountSlot> slots_;
  std::size_t slot_count_ = 0;  // a power of two, or 0; of what is appended, all that there is
  std::size_t capacity_ = 0;    // of slots_, if keys are appended
  std::size_t size_ = 0;
  KeyArena arena_;
};

}  // namespace gorun::jobs
