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

#endif

bool json_masks(const char* text, std::size_t blocks, const JsonMasks& to, VectorLevel level) {
#if defined(__x86_64__)
  if (level == VectorLevel::kAvx2) return json_masks_avx2(text, blocks, to);
  if (level == VectorLevel::kSse2) return json_masks_sse2(text, blocks, to);
#endif
  static_cast<void>(level);
  return json_masks_plain(text, blocks, to);
}

// The bytes of a block that have a backslash before them. One that is itself behind a backslash
// does not count. Without a branch on where they are: a run of backslashes that begins at an odd
// byte is told from others by what a subtraction borrows (simdjson, json_escape_scanner.h).
// carried  whether the first byte is one of them; becomes the same of the next block
[[gnu::always_inline]] inline std::uint64_t escaped_bytes(std::uint64_t backslashes,
                                                          std::uint64_t* carried) {
  constexpr std::uint64_t kOdd = 0xaaaaaaaaaaaaaaaa;
  const std::uint64_t first = backslashes & ~*carried;
  const std::uint64_t ends = ((first << 1 | kOdd) - first) ^ kOdd;
  const std::uint64_t escaped = ends ^ (backslashes | *carried);
  *carried = (ends & backslashes) >> 63;
  return escaped;
}

// Takes the quotes out that have a backslash before them.
void drop_escaped(std::uint64_t* quotes, const std::uint64_t* backslashes, std::size_t blocks) {
  std::uint64_t carried = 0;
  for (std::size_t b = 0; b < blocks; ++b) quotes[b] &= ~escaped_bytes(backslashes[b], &carried);
}

#if defined(__x86_64__)

// Goes over a text block by block: no mask but those that are asked for later leaves the registers.
struct JsonMarksAvx512 {
  const char* text;
  std::size_t blocks;
  std::uint64_t* others;
  std::uint64_t* backslashes;
  std::uint16_t* marks;  // where the next ones go
  std::size_t block = 0;
  std::uint64_t carried = 0;

  // Up to the end, or to the first block with a backslash if none are expected: with one there are
  // more, and no branch is to tell which blocks have them.
  template <bool kHasBackslashes>
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt"))) void run() {
    constexpr std::size_t kHalf = kBlockBytes / 2;
    alignas(64) static constexpr std::array<std::uint8_t, kBlockBytes> kNumbers = [] {
      std::array<std::uint8_t, kBlockBytes> numbers{};
      for (std::size_t i = 0; i < kBlockBytes; ++i) numbers[i] = static_cast<std::uint8_t>(i);
      return numbers;
    }();
    const __m512i numbers = _mm512_load_si512(kNumbers.data());
    __m512i base = _mm512_set1_epi16(static_cast<short>(block * kBlockBytes));
    std::uint16_t* out = marks;
    std::size_t b = block;
    for (; b < blocks; ++b) {
      const __m512i bytes = _mm512_loadu_si512(text + b * kBlockBytes);
      const __m512i from_zero = _mm512_sub_epi8(bytes, _mm512_set1_epi8('0'));
      others[b] = _mm512_cmpgt_epu8_mask(from_zero, _mm512_set1_epi8(9));
      std::uint64_t ends = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"'));
      const std::uint64_t some = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\'));
      backslashes[b] = some;
      if constexpr (kHasBackslashes) {
        ends &= ~escaped_bytes(some, &carried);
      } else if (some != 0) {
        break;
      }
      ends |= _mm512_cmple_epu8_mask(bytes, _mm512_set1_epi8(0x1f));
      // The numbers of the bits are pressed together in a register and widened.
      const __m512i pressed = _mm512_maskz_compress_epi8(ends, numbers);
      const __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(pressed));
      _mm512_storeu_si512(out, _mm512_add_epi16(low, base));
      const auto count = static_cast<std::size_t>(std::popcount(ends));
      if (count > kHalf) [[unlikely]] {
        const __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(pressed, 1));
        _mm512_storeu_si512(out + kHalf, _mm512_add_epi16(high, base));
      }
      out += count;
      base = _mm512_add_epi16(base, _mm512_set1_epi16(kBlockBytes));
    }
    marks = out;
    block = b;
  }
};

#endif

}  // namespace

void JsonMarks::look_at(const char* text, std::size_t blocks, VectorLevel level) {
  size_ = blocks * kBlockBytes;
  std::fill_n(others_.begin() + static_cast<std::ptrdiff_t>(blocks), kWords - kMostBlocks,
              ~std::uint64_t{0});
#if defined(__x86_64__)
  if (level == VectorLevel::kAvx512) {
    JsonMarksAvx512 pass{text, blocks, others_.data(), backslashes_.data(), marks_.data()};
    pass.run<false>();
    has_backslashes_ = pass.block < blocks;
    if (has_backslashes_) pass.run<true>();
    count_ = static_cast<std::size_t>(pass.marks - marks_.data());
    return;
  }
#endif
  std::array<std::uint64_t, kMostBlocks> ends;
  std::array<std::uint64_t, kMostBlocks> controls;
  has_backslashes_ = json_masks(
      text, blocks, {ends.data(), controls.data(), others_.data(), backslashes_.data()}, level);
  if (has_backslashes_) drop_escaped(ends.data(), backslashes_.data(), blocks);
  for (std::size_t b = 0; b < blocks; ++b) ends[b] |= controls[b];
  count_ = bit_positions(ends.data(), blocks, marks_.data(), level);
}

}  // namespace gorun::jobs
