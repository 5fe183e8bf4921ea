#include "jobs/mapreduce/count_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "jobs/mapreduce/dealt_counts.h"
#include "jobs/mapreduce/key_words.h"

namespace gorun::jobs {
namespace {

constexpr std::size_t kFewestSlots = 1024;  // 32 KiB: what fits the first-level cache
constexpr std::size_t kMostSlots = std::size_t{1} << 32;
constexpr std::size_t kWindow = 128;  // slots that are looked through together

// A pointer that a slot keeps as a word.
const char* bytes_at(std::uint64_t word) {
  return reinterpret_cast<const char*>(static_cast<std::uintptr_t>(word));
}

std::uint64_t hash_of(const CountSlot& slot) {
  return hash_in_slot(slot.tag, slot.first, slot.second);
}

// A long key's slot never passes here.
bool is_of_short(const CountSlot& slot, std::string_view key, const KeyProbe& probe) {
  const std::uint64_t words = (slot.first ^ probe.first) | (slot.second ^ probe.second);
  return (words | (slot.tag ^ (key.size() + kShortTag))) == 0;
}

bool is_of(const CountSlot& slot, std::string_view key, const KeyProbe& probe) {
  if (key.size() <= kShortKeyBytes) return is_of_short(slot, key, probe);
  return slot.tag == kLongTag && slot.first == probe.first && slot.key() == key;
}

bool have_one_key(const CountSlot& a, const CountSlot& b) {
  if (a.first != b.first || a.tag != b.tag) return false;
  return a.tag == kLongTag ? a.key() == b.key() : a.second == b.second;
}

struct FoundSlot {
  const CountSlot* slot;
  std::uint64_t hash;
};

// Calls take(found) with a shard's slots, a window of them at a time. Which are free nobody could
// guess: they are passed over without a branch.
template <class Take>
void for_each_window(const SlotsOfShard& part, std::size_t shard, Shards shards, Take take) {
  std::array<FoundSlot, kWindow> found;
  for (std::span<const CountSlot> slots : {part.slots, part.round_the_end}) {
    while (!slots.empty()) {
      const std::size_t count = std::min(kWindow, slots.size());
      std::size_t n = 0;
      for (const CountSlot& slot : slots.first(count)) {
        const std::uint64_t hash = hash_of(slot);
        found[n] = {&slot, hash};
        n += static_cast<std::size_t>(static_cast<unsigned>(slot.tag != kFreeTag) &
                                      static_cast<unsigned>(shards.owner(hash) == shard));
      }
      take(std::span(found).first(n));
      slots = slots.subspan(count);
    }
  }
}

}  // namespace

std::string_view CountSlot::key() const {
  return {tag == kLongTag ? bytes_at(second) : reinterpret_cast<const char*>(&first), length};
}

std::uint64_t CountTable::hash(Id id) const { return hash_of(slots_[id]); }

void CountTable::prefetch_bytes(Id id) const {
  if (slots_[id].tag == kLongTag) __builtin_prefetch(bytes_at(slots_[id].second));
}

void CountTable::count(std::span<const std::string_view> keys) {
  std::array<KeyProbe, kBatch> probes;
  std::array<CountSlot*, kBatch> lines;  // in which they are at home
  for (std::size_t at = 0; at < keys.size(); at += kBatch) {
    const auto batch = keys.subspan(at, std::min(kBatch, keys.size() - at));
    reserve_for(batch.size());
    CountSlot* const slots = slots_.get();
    const Homes homes = homes_;  // what is written might be they, for all that the compiler knows
    for (std::size_t i = 0; i < batch.size(); ++i) {
      fill_probe(batch[i], &probes[i]);
      lines[i] = &slots[homes.of(probes[i].hash)];
      __builtin_prefetch(lines[i], 1);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      // Which one of the two it is nobody could guess: no branch. The first word tells nearly all.
      CountSlot* slot = lines[i] + (lines[i]->first == probes[i].first ? 0 : 1);
      if (!is_of_short(*slot, batch[i], probes[i])) [[unlikely]]
        slot = &find_or_add(batch[i], probes[i]);
      ++slot->count;
    }
  }
}

void CountTable::count(std::string_view key, std::int64_t times) {
  reserve_for(1);
  KeyProbe probe;
  fill_probe(key, &probe);
  find_or_add(key, probe).count += times;
}

void CountTable::count(std::span<const std::string_view> keys,
                       std::span<const std::int64_t> times) {
  std::array<KeyProbe, kBatch> probes;
  for (std::size_t at = 0; at < keys.size(); at += kBatch) {
    const auto batch = keys.subspan(at, std::min(kBatch, keys.size() - at));
    reserve_for(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      fill_probe(batch[i], &probes[i]);
      __builtin_prefetch(&slots_[homes_.of(probes[i].hash)], 1);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      find_or_add(batch[i], probes[i]).count += times[at + i];
    }
  }
}

CountSlot& CountTable::find_or_add(std::string_view key, const KeyProbe& probe) {
  for (std::size_t at = homes_.of(probe.hash);; at = next(at)) {
    CountSlot& slot = slots_[at];
    if (is_of(slot, key, probe)) return slot;
    if (slot.tag != kFreeTag) continue;
    if (key.size() > std::numeric_limits<std::uint32_t>::max()) {
      throw std::length_error("a longer key than a table holds");
    }
    const auto length = static_cast<std::uint32_t>(key.size());
    if (length <= kShortKeyBytes) {
      slot = {probe.first, probe.second, length + kShortTag, length, 0};
    } else {
      const auto bytes = reinterpret_cast<std::uintptr_t>(arena_.keep(key));
      slot = {probe.first, bytes, kLongTag, length, 0};
    }
    ++size_;
    return slot;
  }
}

void CountTable::add(const CountSlot& more, std::size_t home) {
  for (std::size_t at = home;; at = next(at)) {
    CountSlot& slot = slots_[at];
    if (have_one_key(slot, more)) {
      slot.count += more.count;
      return;
    }
    if (slot.tag != kFreeTag) continue;
    slot = more;
    if (more.tag == kLongTag)
      slot.second = reinterpret_cast<std::uintptr_t>(arena_.keep(more.key()));
    ++size_;
    return;
  }
}

// Keys that come in the order of their homes fill the beginning of a table that is too small for
// them, which costs a long way for each. So it grows as soon as it can be told that it will: if it
// is empty all of them are new, else as large a part as of those so far.
std::size_t CountTable::merge(const DealtCounts& from, std::size_t shard, std::size_t most_new) {
  const std::size_t before = size_;
  const std::size_t expected = from.expected(shard);
  if (before == 0) reserve_for(std::min(expected, most_new));
  std::size_t all = 0;
  for_each_window(from.part(shard), shard, from.shards(), [&](std::span<const FoundSlot> window) {
    const std::size_t new_ones = size_ - before;
    const std::size_t rest = expected - std::min(all, expected);
    const std::size_t more = all == 0 ? 0 : rest * new_ones / all;
    reserve_for(std::max(std::min(more, most_new - std::min(new_ones, most_new)), window.size()));
    for (const FoundSlot& found : window) __builtin_prefetch(&slots_[homes_.of(found.hash)], 1);
    for (const FoundSlot& found : window) add(*found.slot, homes_.of(found.hash));
    all += window.size();
  });
  return all;
}

CountTable::Comparison CountTable::compare(const DealtCounts& from, std::size_t shard) const {
  Comparison result;
  for_each_window(from.part(shard), shard, from.shards(), [&](std::span<const FoundSlot> window) {
    result.all += window.size();
    if (slot_count_ == 0) {
      result.new_ones += window.size();
      return;
    }
    for (const FoundSlot& found : window) __builtin_prefetch(&slots_[homes_.of(found.hash)]);
    for (const FoundSlot& found : window) {
      std::size_t at = homes_.of(found.hash);
      while (slots_[at].tag != kFreeTag && !have_one_key(slots_[at], *found.slot)) at = next(at);
      result.new_ones += slots_[at].tag == kFreeTag ? 1 : 0;
    }
  });
  return result;
}

std::size_t CountTable::append(const DealtCounts& from, std::size_t shard) {
  const std::size_t before = size_;
  const std::size_t most = size_ + from.part(shard).size();
  if (most > capacity_) {
    const std::size_t capacity = std::max({most, 2 * capacity_, kFewestSlots});
    grow_zeroed_array(&slots_, size_, capacity);
    capacity_ = capacity;
  }
  for_each_window(from.part(shard), shard, from.shards(), [&](std::span<const FoundSlot> window) {
    for (const FoundSlot& found : window) {
      CountSlot& slot = slots_[size_++];
      slot = *found.slot;
      if (slot.tag == kLongTag)
        slot.second = reinterpret_cast<std::uintptr_t>(arena_.keep(found.slot->key()));
    }
  });
  slot_count_ = size_;
  return size_ - before;
}

void CountTable::forget_appended() {
  size_ = 0;
  slot_count_ = 0;
  arena_ = {};
}

std::size_t CountTable::slots_for(std::size_t more) const {
  std::size_t wanted = std::max(slot_count_, kFewestSlots);
  while (2 * (size_ + more) > wanted) wanted *= 2;
  return wanted;
}

std::size_t CountTable::bytes_while_adding(std::size_t more) const {
  std::size_t bytes = memory_bytes() + more * kShortKeyBytes;
  const std::size_t slots = slots_for(more + kBatch);
  if (slots == slot_count_) return bytes;
  bytes += slots * sizeof(CountSlot);
  // Pages move; what is malloc's is copied, and both are there for a moment.
  if (slots_.get_deleter().mapped > 0) bytes -= slot_count_ * sizeof(CountSlot);
  return bytes;
}

void CountTable::grow(std::size_t slots) {
  if (slots > kMostSlots) throw std::length_error("more keys than a table holds");
  const std::size_t old_count = slot_count_;
  grow_zeroed_array(&slots_, old_count, slots);
  slot_count_ = slots;
  homes_.shift = 64 - std::countr_zero(slots);
  if (old_count > 0) spread(old_count);
}

// Moves the keys of the first `old_count` slots, which were all, to where they belong: windows from
// the last to the first, each beginning behind a free slot. So all its keys are at home in it, and
// their new homes are not before it, where others still wait. Those that would go round the end are
// set aside until none does; those of the first window may come from there, but then all have
// moved. In a window the first ones come first: who has been there longest, often the most
// frequent, stays at home.
void CountTable::spread(std::size_t old_count) {
  std::vector<CountSlot> window;
  std::vector<CountSlot> aside;
  for (std::size_t end = old_count; end > 0;) {
    std::size_t begin = end - std::min(kWindow, end);
    while (begin > 0 && slots_[begin - 1].tag != kFreeTag) --begin;
    lift(begin, end, &window);
    for (const CountSlot& slot : window) {
      std::size_t to = homes_.of(hash_of(slot));
      while (to < slot_count_ && slots_[to].tag != kFreeTag) ++to;
      if (to < slot_count_) {
        slots_[to] = slot;
      } else {
        aside.push_back(slot);
      }
    }
    end = begin;
  }
  std::size_t to = 0;
  for (const CountSlot& slot : aside) {
    while (slots_[to].tag != kFreeTag) ++to;
    slots_[to] = slot;
  }
}

// Takes the keys out of a few slots. Without a branch, as above.
void CountTable::lift(std::size_t begin, std::size_t end, std::vector<CountSlot>* lifted) {
  lifted->resize(end - begin);
  std::size_t n = 0;
  for (std::size_t at = begin; at < end; ++at) {
    (*lifted)[n] = slots_[at];
    n += slots_[at].tag != kFreeTag ? 1 : 0;
    slots_[at].tag = kFreeTag;
  }
  lifted->resize(n);
}

// The first free one from `at` on, or the end.
std::size_t CountTable::next_free(std::size_t at) const {
  while (at < slot_count_ && slots_[at].tag != kFreeTag) ++at;
  return at;
}

// Keys of the one before lie among the first of them, and those of the next among the last.
SlotsOfShard CountTable::part_of(std::size_t shard, Shards shards) const {
  if (size_ == 0) return {};
  const bool is_last = shard + 1 == shards.count();
  const std::size_t begin = homes_.of(shards.first_hash(shard));
  const std::size_t end =
      is_last ? slot_count_ : next_free(homes_.of(shards.first_hash(shard + 1) - 1));
  const std::span<const CountSlot> all(slots_.get(), slot_count_);
  const std::size_t round_the_end = end == slot_count_ ? std::min(next_free(0), begin) : 0;
  return {all.subspan(begin, end - begin), all.first(round_the_end)};
}

DealtCounts CountTable::deal(Shards shards) && {
  std::vector<SlotsOfShard> parts;
  parts.reserve(shards.count());
  for (std::size_t s = 0; s < shards.count(); ++s) parts.push_back(part_of(s, shards));
  DealtCounts dealt(shards, size_, std::move(slots_), std::move(parts), std::move(arena_));
  clear();
  return dealt;
}

DealtCounts CountTable::take(Shards shards) {
  LargeArray<CountSlot> packed = make_large_array<CountSlot>(size_);
  std::vector<SlotsOfShard> parts;
  parts.reserve(shards.count());
  CountSlot* begin = packed.get();
  for (std::size_t s = 0; s < shards.count(); ++s) {
    CountSlot* end = begin;
    for_each_window(part_of(s, shards), s, shards, [&](std::span<const FoundSlot> window) {
      for (const FoundSlot& found : window) *end++ = *found.slot;
    });
    parts.push_back({{begin, end}, {}});
    begin = end;
  }
  DealtCounts taken(shards, size_, std::move(packed), std::move(parts), std::move(arena_));
  if (4 * size_ <= slot_count_) {  // of many more keys that were there before
    clear();
  } else {
    std::memset(static_cast<void*>(slots_.get()), 0, slot_count_ * sizeof(CountSlot));
    size_ = 0;
  }
  return taken;
}

void CountTable::end_adding() {
  if (capacity_ > 0) return;  // appended, without a gap
  std::size_t n = 0;
  for (std::size_t i = 0; i < slot_count_; ++i) {
    slots_[n] = slots_[i];
    n += slots_[n].tag != kFreeTag ? 1 : 0;
  }
  shrink_array(&slots_, n);
  slot_count_ = n;
}

}  // namespace gorun::jobs
