#include "jobs/text/literal_masks.h"

#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gorun::jobs {
namespace {

struct FewMasks {
  std::uint64_t hits = 0;
  std::uint64_t feeds = 0;
};

FewMasks masks_of(const LiteralProbe& probe, const char* text, std::size_t positions) {
  FewMasks masks;
  for (std::size_t i = 0; i < positions; ++i) {
    const auto fits = [&](std::size_t k) { return text[i + probe.places[k]] == probe.bytes[k]; };
    masks.hits |= std::uint64_t{fits(0) && fits(1) && fits(2)} << i;
    masks.feeds |= std::uint64_t{text[i + probe.places[0]] == '\n'} << i;
  }
  return masks;
}

void literal_masks_plain(const LiteralProbe& probe, const char* text, std::size_t blocks,
                         LiteralMasks* masks) {
  masks->any_hit = masks->feed_count = 0;
  for (std::size_t b = 0; b < blocks; ++b, text += kBlockBytes) {
    const FewMasks of_block = masks_of(probe, text, kBlockBytes);
    masks->hits[b] = of_block.hits;
    masks->feeds[b] = of_block.feeds;
    masks->any_hit |= of_block.hits;
    masks->feed_count += static_cast<std::uint64_t>(std::popcount(of_block.feeds));
  }
}

// A hit added to the positions that are no feeds carries on to the feed that ends its line, and no
// further: there the sum has a bit. What is carried out of a block is the line that goes on.
__attribute__((always_inline)) inline std::uint64_t lines_hit(const LiteralMasks& masks,
                                                              std::size_t blocks, bool* is_open) {
  std::uint64_t count = 0;
  std::uint64_t carry = *is_open ? 1 : 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::uint64_t hits = masks.hits[b];
    const std::uint64_t feeds = masks.feeds[b];
    const std::uint64_t sum = hits + ~feeds;
    const std::uint64_t carried = sum + carry;
    carry = static_cast<std::uint64_t>(sum < hits) | static_cast<std::uint64_t>(carried < sum);
    count += static_cast<std::uint64_t>(std::popcount(carried & feeds));
  }
  *is_open = carry != 0;
  return count;
}

#if defined(__x86_64__)

__attribute__((target("avx512f,avx512bw,avx512vl,popcnt,bmi"))) void literal_masks_avx512(
    const LiteralProbe& probe, const char* text, std::size_t blocks, LiteralMasks* masks) {
  const __m512i first = _mm512_set1_epi8(probe.bytes[0]);
  const __m512i second = _mm512_set1_epi8(probe.bytes[1]);
  const __m512i third = _mm512_set1_epi8(probe.bytes[2]);
  const __m512i feed = _mm512_set1_epi8('\n');
  // The compiler cannot know that what is stored is no part of the probe.
  const char* const first_at = text + probe.places[0];
  const char* const second_at = text + probe.places[1];
  const char* const third_at = text + probe.places[2];
  std::uint64_t any = 0;
  std::uint64_t count = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t at = b * kBlockBytes;
    const __m512i bytes = _mm512_loadu_si512(first_at + at);
    const __mmask64 hits = _mm512_mask_cmpeq_epi8_mask(
        _mm512_mask_cmpeq_epi8_mask(_mm512_cmpeq_epi8_mask(bytes, first),
                                    _mm512_loadu_si512(second_at + at), second),
        _mm512_loadu_si512(third_at + at), third);
    const __mmask64 feeds = _mm512_cmpeq_epi8_mask(bytes, feed);
    masks->hits[b] = hits;
    masks->feeds[b] = feeds;
    any |= hits;
    count += static_cast<std::uint64_t>(std::popcount(std::uint64_t{feeds}));
  }
  masks->any_hit = any;
  masks->feed_count = count;
}

__attribute__((target("avx2,popcnt"))) void literal_masks_avx2(const LiteralProbe& probe,
                                                               const char* text, std::size_t blocks,
                                                               LiteralMasks* masks) {
  const __m256i first = _mm256_set1_epi8(probe.bytes[0]);
  const __m256i second = _mm256_set1_epi8(probe.bytes[1]);
  const __m256i third = _mm256_set1_epi8(probe.bytes[2]);
  const __m256i feed = _mm256_set1_epi8('\n');
  std::uint64_t any = 0;
  std::uint64_t count = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    std::uint64_t hits = 0;
    std::uint64_t feeds = 0;
    for (unsigned half = 0; half < 2; ++half, text += 32) {
      const auto* at = reinterpret_cast<const __m256i*>(text + probe.places[0]);
      const auto* second_at = reinterpret_cast<const __m256i*>(text + probe.places[1]);
      const auto* third_at = reinterpret_cast<const __m256i*>(text + probe.places[2]);
      const __m256i bytes = _mm256_loadu_si256(at);
      const __m256i two =
          _mm256_and_si256(_mm256_cmpeq_epi8(bytes, first),
                           _mm256_cmpeq_epi8(_mm256_loadu_si256(second_at), second));
      const __m256i all =
          _mm256_and_si256(two, _mm256_cmpeq_epi8(_mm256_loadu_si256(third_at), third));
      const auto hit_bits = static_cast<std::uint32_t>(_mm256_movemask_epi8(all));
      const auto feed_bits =
          static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, feed)));
      hits |= std::uint64_t{hit_bits} << (32 * half);
      feeds |= std::uint64_t{feed_bits} << (32 * half);
    }
    masks->hits[b] = hits;
    masks->feeds[b] = feeds;
    any |= hits;
    count += static_cast<std::uint64_t>(std::popcount(feeds));
  }
  masks->any_hit = any;
  masks->feed_count = count;
}

void literal_masks_sse2(const LiteralProbe& probe, const char* text, std::size_t blocks,
                        LiteralMasks* masks) {
  const __m128i first = _mm_set1_epi8(probe.bytes[0]);
  const __m128i second = _mm_set1_epi8(probe.bytes[1]);
  const __m128i third = _mm_set1_epi8(probe.bytes[2]);
  const __m128i feed = _mm_set1_epi8('\n');
  masks->any_hit = masks->feed_count = 0;
  const auto load = [](const char* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  };
  for (std::size_t b = 0; b < blocks; ++b) {
    std::uint64_t hits = 0;
    std::uint64_t feeds = 0;
    for (unsigned part = 0; part < 4; ++part, text += 16) {
      const __m128i bytes = load(text + probe.places[0]);
      const __m128i two = _mm_and_si128(_mm_cmpeq_epi8(bytes, first),
                                        _mm_cmpeq_epi8(load(text + probe.places[1]), second));
      const __m128i all = _mm_and_si128(two, _mm_cmpeq_epi8(load(text + probe.places[2]), third));
      const auto hit_bits = static_cast<std::uint32_t>(_mm_movemask_epi8(all));
      const auto feed_bits =
          static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, feed)));
      hits |= std::uint64_t{hit_bits} << (16 * part);
      feeds |= std::uint64_t{feed_bits} << (16 * part);
    }
    masks->hits[b] = hits;
    masks->feeds[b] = feeds;
    masks->any_hit |= hits;
    masks->feed_count += static_cast<std::uint64_t>(std::popcount(feeds));
  }
}

// Counting bits is an instruction here.
__attribute__((target("popcnt"))) std::uint64_t lines_hit_popcnt(const LiteralMasks& masks,
                                                                 std::size_t blocks,
                                                                 bool* is_open) {
  return lines_hit(masks, blocks, is_open);
}

#endif

}  // namespace

void literal_masks(const LiteralProbe& probe, const char* text, std::size_t blocks,
                   LiteralMasks* masks, VectorLevel level) {
#if defined(__x86_64__)
  if (level == VectorLevel::kAvx512) return literal_masks_avx512(probe, text, blocks, masks);
  if (level == VectorLevel::kAvx2) return literal_masks_avx2(probe, text, blocks, masks);
  if (level == VectorLevel::kSse2) return literal_masks_sse2(probe, text, blocks, masks);
#endif
  static_cast<void>(level);
  return literal_masks_plain(probe, text, blocks, masks);
}

void literal_masks_of_few(const LiteralProbe& probe, const char* text, std::size_t positions,
                          LiteralMasks* masks) {
  const FewMasks few = masks_of(probe, text, positions);
  masks->hits[0] = masks->any_hit = few.hits;
  masks->feeds[0] = few.feeds;
  masks->feed_count = static_cast<std::uint64_t>(std::popcount(few.feeds));
}

std::uint64_t count_lines_hit(const LiteralMasks& masks, std::size_t blocks, bool* is_open,
                              VectorLevel level) {
#if defined(__x86_64__)
  if (level >= VectorLevel::kAvx2) return lines_hit_popcnt(masks, blocks, is_open);
#endif
  static_cast<void>(level);
  return lines_hit(masks, blocks, is_open);
}

}  // namespace gorun::jobs
