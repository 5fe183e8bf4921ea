#include "jobs/mapreduce/key_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "jobs/mapreduce/key_words.h"
#include "jobs/mapreduce/sorted_ids.h"

namespace gorun::jobs {
namespace {

constexpr std::size_t kFirstSlots = 1024;  // 32 KiB: what fits the first-level cache

}  // namespace

// A long key's slot never passes here.
inline bool KeyIndex::is_of_short(const Slot& slot, std::string_view key, const KeyProbe& probe) {
  return slot.first == probe.first && slot.second == probe.second &&
         slot.tag == key.size() + kShortTag;
}

inline bool KeyIndex::is_of(const Slot& slot, std::string_view key, const KeyProbe& probe) const {
  if (key.size() <= kShortKeyBytes) return is_of_short(slot, key, probe);
  return slot.tag == kLongTag && slot.first == probe.first && this->key(slot.id) == key;
}

void KeyIndex::add(std::span<const std::string_view> keys, std::span<Id> ids) {
  std::array<KeyProbe, kBatch> probes;
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

KeyIndex::Slot& KeyIndex::find_or_add(std::string_view key, const KeyProbe& probe) {
  for (std::size_t at = probe.hash & (slot_count_ - 1);; at = (at + 1) & (slot_count_ - 1)) {
    Slot& slot = slots_[at];
    if (is_of(slot, key, probe)) return slot;
    if (slot.tag != kFreeTag) continue;
    if (key.size() > std::numeric_limits<std::uint32_t>::max() ||
        size() == std::numeric_limits<Id>::max()) {
      throw std::length_error("more or longer keys than a table holds");
    }
    const auto length = static_cast<std::uint32_t>(key.size());
    entries_.push_back({arena_.keep(key), length, probe.hash});
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
    std::size_t at = hash_in_slot(old[i].tag, old[i].first, old[i].second) & (wanted - 1);
    while (slots_[at].tag != kFreeTag) at = (at + 1) & (wanted - 1);
    slots_[at] = old[i];
  }
}

std::size_t KeyIndex::count_new(std::span<const std::string_view> keys) const {
  if (slot_count_ == 0) return keys.size();
  std::array<KeyProbe, kBatch> probes;
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
  taken.arena_ = std::move(arena_);
  if (4 * keys < slot_count_) {  // of much larger ones that were before
    end_adding();
  } else if (slot_count_ > 0) {
    std::memset(static_cast<void*>(slots_.get()), 0, slot_count_ * sizeof(Slot));
    entries_.reserve(keys);
  }
  return taken;
}

std::size_t KeyIndex::memory_bytes() const {
  return slot_count_ * sizeof(Slot) + entries_.capacity() * sizeof(Entry) + arena_.memory_bytes();
}

std::vector<KeyIndex::Id> KeyIndex::sorted_ids() const {
  return ids_by_key(size(), [this](Id id) { return key(id); });
}

}  // namespace gorun::jobs
