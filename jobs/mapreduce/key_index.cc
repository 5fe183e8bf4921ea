#include "jobs/mapreduce/key_index.h"

// All of XXH3 inside this file: a call would cost as much as hashing a word.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "jobs/mapreduce/least_key.h"
#include "jobs/may_load_beyond.h"

namespace gorun::jobs {
namespace {

constexpr std::size_t kFirstSlots = 1024;  // 32 KiB: what fits the first-level cache
constexpr std::size_t kShortKeyBytes = 16;
constexpr std::size_t kArenaBlockBytes = std::size_t{64} * 1024;

template <class Byte>
std::uint64_t load(const Byte* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// A key of up to 16 bytes, padded with zeros. With the length it is equal for equal keys only.
struct Words {
  std::uint64_t first;
  std::uint64_t second;
};

// Words are short and of all lengths: a branch on the length would be mispredicted for every other
// one, which costs more than all the rest. So 16 bytes are loaded whatever the length and the
// surplus masked away. A load that stays within the page cannot fault; one that might not is made
// from a copy. Inlined by force: the call takes a quarter of the count.
// key  of 1 to 16 bytes
inline __attribute__((always_inline)) Words words_of(std::string_view key) {
  alignas(16) static constexpr std::array<unsigned char, 32> kMask = {
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0,    0,
      0,    0,    0,    0,    0,    0,    0,    0,    0,    0};
  const char* at = key.data();
  std::array<char, kShortKeyBytes> copy;
  if (!may_load_beyond(at, kShortKeyBytes)) {
    copy.fill(0);
    std::memcpy(copy.data(), at, key.size());
    at = copy.data();
  }
  const unsigned char* mask = kMask.data() + kShortKeyBytes - key.size();
  return {load(at) & load(mask), load(at + 8) & load(mask + 8)};
}

std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// One multiplication, folded, as foldhash has it for short keys. The length has no part in it: keys
// that differ only in zeros at the end collide, and few do. The constants are the first digits of
// pi's fraction, odd.
std::uint64_t hash_of(const Words& words) {
  constexpr std::uint64_t kPi0 = 0x243f6a8885a308d3;
  constexpr std::uint64_t kPi1 = 0x13198a2e03707345;
  return folded_product(words.first ^ kPi0, words.second ^ kPi1);
}

}  // namespace

// Field by field: a Probe that is returned and copied is stored in halves and loaded whole, which
// the processor's store buffer cannot forward.
inline void KeyIndex::fill_probe(std::string_view key, Probe* probe) {
  if (key.size() - 1 < kShortKeyBytes) [[likely]] {
    const Words words = words_of(key);
    probe->hash = hash_of(words);
    probe->first = words.first;
    probe->second = words.second;
  } else {
    probe->hash = key.empty() ? hash_of({0, 0}) : XXH3_64bits(key.data(), key.size());
    probe->first = key.empty() ? 0 : probe->hash;
    probe->second = 0;
  }
}

// Without a look at the entry, which is somewhere else for each.
inline std::uint64_t KeyIndex::hash_in(const Slot& slot) {
  return slot.tag == kLongTag ? slot.first : hash_of({slot.first, slot.second});
}

// A long key's slot never passes here.
inline bool KeyIndex::is_of_short(const Slot& slot, std::string_view key, const Probe& probe) {
  return slot.first == probe.first && slot.second == probe.second &&
         slot.tag == key.size() + kShortTag;
}

inline bool KeyIndex::is_of(const Slot& slot, std::string_view key, const Probe& probe) const {
  if (key.size() <= kShortKeyBytes) return is_of_short(slot, key, probe);
  return slot.tag == kLongTag && slot.first == probe.first && this->key(slot.id) == key;
}

void KeyIndex::add(std::span<const std::string_view> keys, std::span<Id> ids) {
  std::array<Probe, kBatch> probes;
  for (std::size_t at = 0; at < keys.size(); at += kBatch) {
    const auto batch = keys.subspan(at, std::min(kBatch, keys.size() - at));
    reserve_for(batch.size());
    Slot* const slots = slots_.get();
    const std::size_t mask = slot_count_ - 1;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      fill_probe(batch[i], &probes[i]);
      __builtin_prefetch(&slots[probes[i].hash & mask]);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const Slot& home = slots[probes[i].hash & mask];
      ids[at + i] =
          is_of_short(home, batch[i], probes[i]) ? home.id : find_or_add(batch[i], probes[i]).id;
    }
  }
}

void KeyIndex::count(std::span<const std::string_view> keys) {
  std::array<Probe, kBatch> probes;
  for (std::size_t at = 0; at < keys.size(); at += kBatch) {
    const auto batch = keys.subspan(at, std::min(kBatch, keys.size() - at));
    reserve_for(batch.size());
    Slot* const slots = slots_.get();
    const std::size_t mask = slot_count_ - 1;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      fill_probe(batch[i], &probes[i]);
      __builtin_prefetch(&slots[probes[i].hash & mask], 1);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Slot& home = slots[probes[i].hash & mask];
      Slot& slot = is_of_short(home, batch[i], probes[i]) ? home : find_or_add(batch[i], probes[i]);
      ++slot.count;
    }
  }
}

void KeyIndex::count(std::string_view key, std::int64_t times) {
  reserve_for(1);
  Probe probe;
  fill_probe(key, &probe);
  find_or_add(key, probe).count += times;
}

void KeyIndex::take_counts(std::span<std::int64_t> counts) {
  for (Slot& slot : std::span(slots_.get(), slot_count_)) {
    if (slot.tag == kFreeTag) continue;
    counts[slot.id] += std::exchange(slot.count, 0);
  }
}

KeyIndex::Slot& KeyIndex::find_or_add(std::string_view key, const Probe& probe) {
  for (std::size_t at = probe.hash & (slot_count_ - 1);; at = (at + 1) & (slot_count_ - 1)) {
    Slot& slot = slots_[at];
    if (is_of(slot, key, probe)) return slot;
    if (slot.tag != kFreeTag) continue;
    if (key.size() > std::numeric_limits<std::uint32_t>::max() ||
        size() == std::numeric_limits<Id>::max()) {
      throw std::length_error("more or longer keys than a table holds");
    }
    const auto length = static_cast<std::uint32_t>(key.size());
    entries_.push_back({keep(key), length, probe.hash});
    const auto id = static_cast<Id>(size() - 1);
    const std::uint32_t tag = key.size() <= kShortKeyBytes ? length + kShortTag : kLongTag;
    slot = {probe.first, probe.second, tag, id, 0};
    return slot;
  }
}

std::size_t KeyIndex::slots_for(std::size_t more) const {
  std::size_t wanted = std::max(slot_count_, kFirstSlots);
  while (2 * (size() + more) > wanted) wanted *= 2;
  return wanted;
}

// Makes room so that `more` new keys leave the table at most half full.
void KeyIndex::reserve_for(std::size_t more) {
  const std::size_t wanted = slots_for(more);
  if (wanted == slot_count_) return;
  const LargeArray<Slot> old = std::exchange(slots_, make_zeroed_array<Slot>(wanted));
  const std::size_t old_count = slot_count_;
  slot_count_ = wanted;
  for (std::size_t i = 0; i < old_count; ++i) {
    if (old[i].tag == kFreeTag) continue;
    std::size_t at = hash_in(old[i]) & (wanted - 1);
    while (slots_[at].tag != kFreeTag) at = (at + 1) & (wanted - 1);
    slots_[at] = old[i];
  }
}

const char* KeyIndex::keep(std::string_view key) {
  if (key.size() > arena_left_) {
    const std::size_t block = std::max(key.size(), kArenaBlockBytes);
    arena_.push_back(std::make_unique_for_overwrite<char[]>(block));
    arena_free_ = arena_.back().get();
    arena_left_ = block;
    arena_bytes_ += block;
  }
  char* kept = arena_free_;
  if (!key.empty()) std::memcpy(kept, key.data(), key.size());
  arena_free_ += key.size();
  arena_left_ -= key.size();
  return kept;
}

std::size_t KeyIndex::count_new(std::span<const std::string_view> keys) const {
  if (slot_count_ == 0) return keys.size();
  std::array<Probe, kBatch> probes;
  std::size_t count = 0;
  for (std::size_t at = 0; at < keys.size(); at += kBatch) {
    const auto batch = keys.subspan(at, std::min(kBatch, keys.size() - at));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      fill_probe(batch[i], &probes[i]);
      __builtin_prefetch(&slots_[probes[i].hash & (slot_count_ - 1)]);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      std::size_t slot = probes[i].hash & (slot_count_ - 1);
      while (slots_[slot].tag != kFreeTag && !is_of(slots_[slot], batch[i], probes[i])) {
        slot = (slot + 1) & (slot_count_ - 1);
      }
      count += slots_[slot].tag == kFreeTag ? 1 : 0;
    }
  }
  return count;
}

std::size_t KeyIndex::bytes_while_adding(std::size_t more) const {
  std::size_t bytes = memory_bytes();
  // What grows is copied: for a moment both are there.
  if (const std::size_t slots = slots_for(more + kBatch); slots > slot_count_)
    bytes += slots * sizeof(Slot);
  if (const std::size_t keys = size() + more; keys > entries_.capacity()) {
    bytes += std::max(keys, 2 * entries_.capacity()) * sizeof(Entry);
  }
  return bytes + more * kShortKeyBytes;
}

void KeyIndex::end_adding() {
  slots_.reset();
  slot_count_ = 0;
}

KeyIndex KeyIndex::take() {
  KeyIndex taken;
  const std::size_t keys = size();
  taken.entries_ = std::exchange(entries_, {});
  taken.arena_ = std::exchange(arena_, {});
  taken.arena_bytes_ = std::exchange(arena_bytes_, 0);
  arena_free_ = nullptr;
  arena_left_ = 0;
  if (4 * keys < slot_count_) {  // of much larger ones that were before
    end_adding();
  } else if (slot_count_ > 0) {
    std::memset(static_cast<void*>(slots_.get()), 0, slot_count_ * sizeof(Slot));
    entries_.reserve(keys);
  }
  return taken;
}

std::size_t KeyIndex::memory_bytes() const {
  return slot_count_ * sizeof(Slot) + entries_.capacity() * sizeof(Entry) + arena_bytes_;
}

std::vector<KeyIndex::Id> KeyIndex::sorted_ids() const {
  struct Sortable {
    std::uint64_t leading;
    Id id;
  };
  std::vector<Sortable> sortable(size());
  for (Id id = 0; id < size(); ++id) sortable[id] = {leading_bytes(key(id)), id};
  std::sort(sortable.begin(), sortable.end(), [this](const Sortable& a, const Sortable& b) {
    return a.leading != b.leading ? a.leading < b.leading : key(a.id) < key(b.id);
  });
  std::vector<Id> ids(size());
  std::transform(sortable.begin(), sortable.end(), ids.begin(),
                 [](const Sortable& entry) { return entry.id; });
  return ids;
}

}  // namespace gorun::jobs
