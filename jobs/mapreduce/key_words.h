// jobs/mapreduce/key_words.h - keys as two words and a hash, for tables whose slots hold them.
//
// A key of up to 16 bytes is two words, padded with zeros, and lies in its slot: looking it up
// touches one cache line. Of a longer one the slot has the whole hash, and says where its bytes
// are.
//
// A long key is hashed by XXH3, a short one by one multiplication of its padded words, which takes
// no branch on the length: mispredicted, that costs more than the hash. Not for hostile input: who
// chooses the keys can make them collide, which costs time and nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "jobs/may_load_beyond.h"

namespace gorun::jobs {

inline constexpr std::size_t kShortKeyBytes = 16;

// What a slot says of its key.
inline constexpr std::uint32_t kFreeTag = 0;   // there is none
inline constexpr std::uint32_t kLongTag = 1;   // its first word is the hash
inline constexpr std::uint32_t kShortTag = 2;  // more by its length; both words are its bytes

// A key of up to 16 bytes, padded with zeros. With the length it is equal for equal keys only.
struct KeyWords {
  std::uint64_t first;
  std::uint64_t second;
};

template <class Byte>
std::uint64_t load_key_word(const Byte* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Words are short and of all lengths: a branch on the length would be mispredicted for every other
// one, which costs more than all the rest. So 16 bytes are loaded whatever the length and the
// surplus masked away. A load that stays within the page cannot fault; one that might not is made
// from a copy. Inlined by force: the call takes a quarter of the count.
// key  of 1 to 16 bytes
inline __attribute__((always_inline)) KeyWords key_words_of(std::string_view key) {
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
  return {load_key_word(at) & load_key_word(mask), load_key_word(at + 8) & load_key_word(mask + 8)};
}

inline std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// One multiplication, folded, as foldhash has it for short keys. The length has no part in it: keys
// that differ only in zeros at the end collide, and few do. The constants are the first digits of
// pi's fraction, odd.
inline std::uint64_t hash_of_words(const KeyWords& words) {
  constexpr std::uint64_t kPi0 = 0x243f6a8885a308d3;
  constexpr std::uint64_t kPi1 = 0x13198a2e03707345;
  return folded_product(words.first ^ kPi0, words.second ^ kPi1);
}

// Of one of more than 16 bytes: XXH3.
[[nodiscard]] std::uint64_t hash_of_long_key(std::string_view key);

// What is computed of a key before a table is looked at.
struct KeyProbe {
  std::uint64_t hash;
  std::uint64_t first;  // as in the slot
  std::uint64_t second;
};

// Field by field: a KeyProbe that is returned and copied is stored in halves and loaded whole,
// which the processor's store buffer cannot forward.
inline void fill_probe(std::string_view key, KeyProbe* probe) {
  if (key.size() - 1 < kShortKeyBytes) [[likely]] {
    const KeyWords words = key_words_of(key);
    probe->hash = hash_of_words(words);
    probe->first = words.first;
    probe->second = words.second;
  } else {
    probe->hash = key.empty() ? hash_of_words({0, 0}) : hash_of_long_key(key);
    probe->first = key.empty() ? 0 : probe->hash;
    probe->second = 0;
  }
}

// Of a slot's key, without a look at its bytes, which are somewhere else if it is long.
inline std::uint64_t hash_in_slot(std::uint32_t tag, std::uint64_t first, std::uint64_t second) {
  return tag == kLongTag ? first : hash_of_words({first, second});
}

}  // namespace gorun::jobs
