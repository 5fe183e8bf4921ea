#include "jobs/mapreduce/key_index.h"

#include <sys/mman.h>

// All of XXH3 inside this file: a call would cost as much as hashing a word.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

namespace gorun::jobs {
namespace {

constexpr std::size_t kBatch = 256;        // hashed and prefetched together
constexpr std::size_t kFirstSlots = 1024;  // 32 KiB: what fits the first-level cache
constexpr std::size_t kShortKeyBytes = 16;
constexpr std::size_t kArenaBlockBytes = std::size_t{64} * 1024;
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

struct Words {
  std::uint64_t first;
  std::uint64_t second;
};

template <class Word>
std::uint64_t load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Two words that, with the length, are equal for equal keys of up to 16 bytes only. They overlap
// where a key is shorter than both; nothing beyond the key is read.
Words words_of(std::string_view key) {
  const char* begin = key.data();
  const char* end = begin + key.size();
  if (key.size() >= 8) return {load<std::uint64_t>(begin), load<std::uint64_t>(end - 8)};
  if (key.size() >= 4) return {load<std::uint32_t>(begin), load<std::uint32_t>(end - 4)};
  if (key.size() >= 2) return {load<std::uint16_t>(begin), load<std::uint16_t>(end - 2)};
  return {key.empty() ? 0 : load<std::uint8_t>(begin), 0};
}

// The first bytes as a number that compares as they do.
std::uint64_t leading_bytes(std::string_view key) {
  std::array<char, 8> bytes{};
  std::memcpy(bytes.data(), key.data(), std::min(key.size(), bytes.size()));
  const auto word = std::bit_cast<std::uint64_t>(bytes);
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

}  // namespace

void KeyIndex::FreeSlots::operator()(Slot* slots) const { std::free(slots); }

void KeyIndex::add(std::span<const std::string_view> keys, std::span<Id> ids) {
  std::array<std::uint64_t, kBatch> hashes;
  for (std::size_t at = 0; at < keys.size(); at += kBatch) {
    const auto batch = keys.subspan(at, std::min(kBatch, keys.size() - at));
    reserve_for(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      hashes[i] = XXH3_64bits(batch[i].data(), batch[i].size());
      __builtin_prefetch(&slots_[hashes[i] & (slot_count_ - 1)]);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) ids[at + i] = find_or_add(batch[i], hashes[i]);
  }
}

KeyIndex::Id KeyIndex::find_or_add(std::string_view key, std::uint64_t hash) {
  const bool is_short = key.size() <= kShortKeyBytes;
  const Words words = is_short ? words_of(key) : Words{hash, 0};
  for (std::size_t at = hash & (slot_count_ - 1);; at = (at + 1) & (slot_count_ - 1)) {
    Slot& slot = slots_[at];
    if (slot.id_plus_one == 0) {
      if (key.size() > std::numeric_limits<std::uint32_t>::max() ||
          size() == std::numeric_limits<Id>::max()) {
        throw std::length_error("more or longer keys than a table holds");
      }
      const auto length = static_cast<std::uint32_t>(key.size());
      entries_.push_back({keep(key), length, hash});
      slot = {words.first, words.second, length, static_cast<Id>(size()), 0};
      return slot.id_plus_one - 1;
    }
    if (slot.first == words.first && slot.second == words.second && slot.length == key.size() &&
        (is_short || this->key(slot.id_plus_one - 1) == key)) {
      return slot.id_plus_one - 1;
    }
  }
}

// Makes room so that `more` new keys leave the table at most half full.
void KeyIndex::reserve_for(std::size_t more) {
  std::size_t wanted = std::max(slot_count_, kFirstSlots);
  while (2 * (size() + more) > wanted) wanted *= 2;
  if (wanted == slot_count_) return;
  const std::size_t bytes = wanted * sizeof(Slot);
  const bool huge = bytes >= kHugePageBytes;
  void* memory = std::aligned_alloc(huge ? kHugePageBytes : 64, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  // Advice: random probes into a large table miss the TLB most of the time without it.
  if (huge) static_cast<void>(::madvise(memory, bytes, MADV_HUGEPAGE));
  std::memset(memory, 0, bytes);
  const std::unique_ptr<Slot[], FreeSlots> old = std::move(slots_);
  const std::size_t old_count = slot_count_;
  slots_.reset(static_cast<Slot*>(memory));
  slot_count_ = wanted;
  for (std::size_t i = 0; i < old_count; ++i) {
    if (old[i].id_plus_one == 0) continue;
    std::size_t at = hash(old[i].id_plus_one - 1) & (wanted - 1);
    while (slots_[at].id_plus_one != 0) at = (at + 1) & (wanted - 1);
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
