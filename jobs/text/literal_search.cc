#include "jobs/text/literal_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gorun::jobs {
namespace {

using Hit = LiteralSearch::Hit;

// How often a byte is met in texts, in classes: what matters is that a space or an "e" is never
// chosen where there is a "q" or a digit.
int frequency_of(char c) {
  constexpr std::string_view kOften = " etaoinsrhldcu\n";
  constexpr std::string_view kSeldom = "QXZJKVYWqxzjkv@#$%^&~`|\\";
  if (kOften.find(c) != std::string_view::npos) {
    return 100 - static_cast<int>(kOften.find(c));
  }
  if (kSeldom.find(c) != std::string_view::npos) return 1;
  if (c >= 'a' && c <= 'z') return 50;
  if ((c >= '0' && c <= '9') || c == '.' || c == ',' || c == '"' || c == ':' || c == '/') return 40;
  if (c == '\0' || static_cast<unsigned char>(c) >= 0x80) return 30;
  return 20;
}

std::uint64_t lines_between(const char* begin, const char* end) {
  return static_cast<std::uint64_t>(std::count(begin, end, '\n'));
}

// Byte by byte, where a vector would reach beyond the text.
Hit find_plain(std::string_view literal, const char* begin, const char* end, std::uint64_t lines) {
  const std::string_view text(begin, static_cast<std::size_t>(end - begin));
  const std::size_t found = text.find(literal);
  const char* at = found == std::string_view::npos ? end : begin + found;
  return {at, lines + lines_between(begin, at)};
}

#if defined(__x86_64__)

struct Wanted {
  const char* bytes;
  std::size_t size;
  std::size_t first;
  std::size_t second;
};

// The loop is the same for all vectors, but a function with a target of its own cannot be a
// template of one without; so it is written out for each. `mask` has a bit for each position at
// which both bytes fit.
inline const char* verify(const Wanted& wanted, const char* block, std::uint64_t mask) {
  for (; mask != 0; mask &= mask - 1) {
    const char* at = block + std::countr_zero(mask);
    if (std::memcmp(at, wanted.bytes, wanted.size) == 0) return at;
  }
  return nullptr;
}

// A block of positions, and what is compared with the wanted bytes there. Line feeds are counted in
// the bytes that are loaded for the first of them, which lie `first` behind the positions: a match
// holds none, so as many are before it as before its wanted byte.
struct Block512 {
  std::uint64_t mask;
  std::uint64_t feeds;
};

__attribute__((target("avx512f,avx512bw,avx512vl,popcnt,bmi"), always_inline)) inline Block512
look_at_512(const char* first_at, const char* second_at, __m512i first, __m512i second,
            __m512i feed) {
  const __m512i bytes = _mm512_loadu_si512(first_at);
  return {_mm512_cmpeq_epi8_mask(bytes, first) &
              _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(second_at), second),
          _mm512_cmpeq_epi8_mask(bytes, feed)};
}

__attribute__((target("avx512f,avx512bw,avx512vl,popcnt,bmi"))) Hit find_avx512(
    const Wanted& wanted, const char* begin, const char* end) {
  constexpr std::ptrdiff_t kAtOnce = 4;
  const __m512i first = _mm512_set1_epi8(wanted.bytes[wanted.first]);
  const __m512i second = _mm512_set1_epi8(wanted.bytes[wanted.second]);
  const __m512i feed = _mm512_set1_epi8('\n');
  const auto reach = static_cast<std::ptrdiff_t>(64 + wanted.size - 1);
  if (end - begin < reach) return find_plain({wanted.bytes, wanted.size}, begin, end, 0);
  std::uint64_t lines = lines_between(begin, begin + wanted.first);
  const auto look = [&](const char* block)
      __attribute__((target("avx512f,avx512bw,avx512vl,popcnt,bmi"), always_inline)) {
    return look_at_512(block + wanted.first, block + wanted.second, first, second, feed);
  };
  const char* block = begin;
  while (end - block >= reach) {
    // Most blocks hold nothing: of several one branch asks.
    for (; end - block >= reach + 64 * (kAtOnce - 1); block += 64 * kAtOnce) {
      const Block512 a = look(block);
      const Block512 b = look(block + 64);
      const Block512 c = look(block + 128);
      const Block512 d = look(block + 192);
      if ((a.mask | b.mask | c.mask | d.mask) != 0) break;
      lines += static_cast<std::uint64_t>(std::popcount(a.feeds) + std::popcount(b.feeds) +
                                          std::popcount(c.feeds) + std::popcount(d.feeds));
    }
    for (std::ptrdiff_t i = 0; i < kAtOnce && end - block >= reach; ++i, block += 64) {
      const Block512 here = look(block);
      if (here.mask != 0) {
        if (const char* at = verify(wanted, block, here.mask)) {
          const std::uint64_t before = (std::uint64_t{1} << (at - block)) - 1;
          return {at, lines + static_cast<std::uint64_t>(std::popcount(here.feeds & before))};
        }
      }
      lines += static_cast<std::uint64_t>(std::popcount(here.feeds));
    }
  }
  return find_plain({wanted.bytes, wanted.size}, block, end,
                    lines - lines_between(block, block + wanted.first));
}

__attribute__((target("avx2,popcnt,bmi"))) Hit find_avx2(const Wanted& wanted, const char* begin,
                                                         const char* end) {
  const __m256i first = _mm256_set1_epi8(wanted.bytes[wanted.first]);
  const __m256i second = _mm256_set1_epi8(wanted.bytes[wanted.second]);
  const __m256i feed = _mm256_set1_epi8('\n');
  const auto reach = static_cast<std::ptrdiff_t>(32 + wanted.size - 1);
  std::uint64_t lines = 0;
  const char* block = begin;
  for (; end - block >= reach; block += 32) {
    const auto feeds = static_cast<std::uint32_t>(_mm256_movemask_epi8(
        _mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block)), feed)));
    const auto mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_and_si256(
        _mm256_cmpeq_epi8(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + wanted.first)), first),
        _mm256_cmpeq_epi8(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + wanted.second)), second))));
    if (mask != 0) {
      if (const char* at = verify(wanted, block, mask)) {
        const std::uint32_t before = (std::uint32_t{1} << (at - block)) - 1;
        return {at, lines + static_cast<std::uint64_t>(std::popcount(feeds & before))};
      }
    }
    lines += static_cast<std::uint64_t>(std::popcount(feeds));
  }
  return find_plain({wanted.bytes, wanted.size}, block, end, lines);
}

Hit find_sse2(const Wanted& wanted, const char* begin, const char* end) {
  const __m128i first = _mm_set1_epi8(wanted.bytes[wanted.first]);
  const __m128i second = _mm_set1_epi8(wanted.bytes[wanted.second]);
  const __m128i feed = _mm_set1_epi8('\n');
  const auto load = [](const char* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  };
  const auto reach = static_cast<std::ptrdiff_t>(16 + wanted.size - 1);
  std::uint64_t lines = 0;
  const char* block = begin;
  for (; end - block >= reach; block += 16) {
    const auto feeds =
        static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(load(block), feed)));
    const auto mask = static_cast<std::uint32_t>(
        _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(load(block + wanted.first), first),
                                        _mm_cmpeq_epi8(load(block + wanted.second), second))));
    if (mask != 0) {
      if (const char* at = verify(wanted, block, mask)) {
        const std::uint32_t before = (std::uint32_t{1} << (at - block)) - 1;
        return {at, lines + static_cast<std::uint64_t>(std::popcount(feeds & before))};
      }
    }
    lines += static_cast<std::uint64_t>(std::popcount(feeds));
  }
  return find_plain({wanted.bytes, wanted.size}, block, end, lines);
}

#endif

}  // namespace

LiteralSearch::LiteralSearch(std::string literal, VectorLevel level)
    : literal_(std::move(literal)), level_(level) {
  const auto is_rarer = [this](std::size_t a, std::size_t b) {
    return frequency_of(literal_[a]) < frequency_of(literal_[b]);
  };
  for (std::size_t i = 1; i < literal_.size(); ++i) {
    if (is_rarer(i, first_)) first_ = i;
  }
  second_ = first_ == 0 ? literal_.size() - 1 : 0;
  for (std::size_t i = 0; i < literal_.size(); ++i) {
    if (literal_[i] != literal_[first_] && (second_ == first_ || is_rarer(i, second_))) second_ = i;
  }
}

LiteralSearch::Hit LiteralSearch::find(std::string_view text) const {
  const char* const end = text.data() + text.size();
#if defined(__x86_64__)
  const Wanted wanted{literal_.data(), literal_.size(), first_, second_};
  switch (level_) {
    case VectorLevel::kAvx512:
      return find_avx512(wanted, text.data(), end);
    case VectorLevel::kAvx2:
      return find_avx2(wanted, text.data(), end);
    case VectorLevel::kSse2:
      return find_sse2(wanted, text.data(), end);
    case VectorLevel::kPlain:
      break;
  }
#endif
  return find_plain(literal_, text.data(), end, 0);
}

}  // namespace gorun::jobs
