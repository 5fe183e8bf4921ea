#include "jobs/records/json_marks.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gorun::jobs {
namespace {

// What the masks of a text are written to, a word for each block.
struct JsonMasks {
  std::uint64_t* quotes;
  std::uint64_t* controls;
  std::uint64_t* others;
  std::uint64_t* backslashes;
};

// Returns true if there is a backslash. Each level below does the same.
bool json_masks_plain(const char* text, std::size_t blocks, const JsonMasks& to) {
  std::uint64_t any = 0;
  for (std::size_t b = 0; b < blocks; ++b, text += kBlockBytes) {
    std::uint64_t quotes = 0;
    std::uint64_t controls = 0;
    std::uint64_t others = 0;
    std::uint64_t backslashes = 0;
    for (std::size_t i = 0; i < kBlockBytes; ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      quotes |= std::uint64_t{c == '"'} << i;
      controls |= std::uint64_t{c < 0x20} << i;
      others |= std::uint64_t{static_cast<unsigned char>(c - '0') > 9} << i;
      backslashes |= std::uint64_t{c == '\\'} << i;
    }
    to.quotes[b] = quotes;
    to.controls[b] = controls;
    to.others[b] = others;
    to.backslashes[b] = backslashes;
    any |= backslashes;
  }
  return any != 0;
}

#if defined(__x86_64__)

bool json_masks_sse2(const char* text, std::size_t blocks, const JsonMasks& to) {
  const auto bits = [](__m128i members, unsigned part) {
    return std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(members))} << (16 * part);
  };
  std::uint64_t any = 0;
  for (std::size_t b = 0; b < blocks; ++b, text += kBlockBytes) {
    std::uint64_t quotes = 0;
    std::uint64_t controls = 0;
    std::uint64_t digits = 0;
    std::uint64_t backslashes = 0;
    for (unsigned part = 0; part < 4; ++part) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * part));
      const __m128i from_zero = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
      quotes |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), part);
      // min(x, n) == x says x <= n for unsigned bytes, for which there is no comparison.
      controls |= bits(_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes), part);
      digits |= bits(_mm_cmpeq_epi8(_mm_min_epu8(from_zero, _mm_set1_epi8(9)), from_zero), part);
      backslashes |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')), part);
    }
    to.quotes[b] = quotes;
    to.controls[b] = controls;
    to.others[b] = ~digits;
    to.backslashes[b] = backslashes;
    any |= backslashes;
  }
  return any != 0;
}

__attribute__((target("avx2"))) std::uint64_t json_bits_avx2(__m256i low, __m256i high) {
  const int low_bits = _mm256_movemask_epi8(low);
  const int high_bits = _mm256_movemask_epi8(high);
  return std::uint64_t{static_cast<std::uint32_t>(low_bits)} |
         std::uint64_t{static_cast<std::uint32_t>(high_bits)} << 32;
}

__attribute__((target("avx2"))) __m256i at_most_avx2(__m256i bytes, char most) {
  return _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(most)), bytes);
}

__attribute__((target("avx2"))) bool json_masks_avx2(const char* text, std::size_t blocks,
                                                     const JsonMasks& to) {
  std::uint64_t any = 0;
  const __m256i quote = _mm256_set1_epi8('"');
  const __m256i backslash = _mm256_set1_epi8('\\');
  const __m256i zero = _mm256_set1_epi8('0');
  for (std::size_t b = 0; b < blocks; ++b, text += kBlockBytes) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + 32));
    to.quotes[b] = json_bits_avx2(_mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(high, quote));
    to.controls[b] = json_bits_avx2(at_most_avx2(low, 0x1f), at_most_avx2(high, 0x1f));
    to.others[b] = ~json_bits_avx2(at_most_avx2(_mm256_sub_epi8(low, zero), 9),
                                   at_most_avx2(_mm256_sub_epi8(high, zero), 9));
    const std::uint64_t backslashes =
        json_bits_avx2(_mm256_cmpeq_epi8(low, backslash), _mm256_cmpeq_epi8(high, backslash));
    to.backslashes[b] = backslashes;
    any |= backslashes;
  }
  return any != 0;
}

__attribute__((target("avx512f,avx512bw"))) bool json_masks_avx512(const char* text,
                                                                   std::size_t blocks,
                                                                   const JsonMasks& to) {
  std::uint64_t any = 0;
  for (std::size_t b = 0; b < blocks; ++b, text += kBlockBytes) {
    const __m512i bytes = _mm512_loadu_si512(text);
    const __m512i from_zero = _mm512_sub_epi8(bytes, _mm512_set1_epi8('0'));
    to.quotes[b] = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"'));
    to.controls[b] = _mm512_cmple_epu8_mask(bytes, _mm512_set1_epi8(0x1f));
    to.others[b] = _mm512_cmpgt_epu8_mask(from_zero, _mm512_set1_epi8(9));
    const std::uint64_t backslashes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\'));
    to.backslashes[b] = backslashes;
    any |= backslashes;
  }
  return any != 0;
}

#endif

bool json_masks(const char* text, std::size_t blocks, const JsonMasks& to, VectorLevel level) {
#if defined(__x86_64__)
  if (level == VectorLevel::kAvx512) return json_masks_avx512(text, blocks, to);
  if (level == VectorLevel::kAvx2) return json_masks_avx2(text, blocks, to);
  if (level == VectorLevel::kSse2) return json_masks_sse2(text, blocks, to);
#endif
  static_cast<void>(level);
  return json_masks_plain(text, blocks, to);
}

// Takes the quotes out that have a backslash before them. One that is itself behind a backslash
// does not count.
void drop_escaped(std::uint64_t* quotes, const std::uint64_t* backslashes, std::size_t blocks) {
  std::uint64_t escaped = 0;  // of the next block's first byte
  for (std::size_t b = 0; b < blocks; ++b) {
    std::uint64_t left = backslashes[b] & ~escaped;
    while (left != 0) {
      const std::uint64_t lowest = left & (~left + 1);
      escaped |= lowest << 1;
      left &= ~(lowest | lowest << 1);
    }
    quotes[b] &= ~escaped;
    // The last byte's backslash counts unless it is escaped.
    escaped = (backslashes[b] & ~escaped) >> 63;
  }
}

}  // namespace

void JsonMarks::look_at(const char* text, std::size_t blocks, VectorLevel level) {
  std::array<std::uint64_t, kMostBlocks> controls;
  has_backslashes_ = json_masks(
      text, blocks, {ends_.data(), controls.data(), others_.data(), backslashes_.data()}, level);
  if (has_backslashes_) drop_escaped(ends_.data(), backslashes_.data(), blocks);
  for (std::size_t b = 0; b < blocks; ++b) ends_[b] |= controls[b];
  std::fill_n(others_.begin() + static_cast<std::ptrdiff_t>(blocks), kWords - kMostBlocks,
              ~std::uint64_t{0});
  size_ = blocks * kBlockBytes;
  count_ = bit_positions(ends_.data(), blocks, marks_.data(), level);
}

}  // namespace gorun::jobs
