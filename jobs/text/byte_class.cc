#include "jobs/text/byte_class.h"

#include <array>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gorun::jobs {
namespace {

using MaskFunction = void (*)(char byte, const char* text, std::size_t blocks,
                              std::uint64_t* masks);
using Kind = ByteClass::Kind;

template <Kind kKind>
bool is_member(char c, char byte) {
  const auto u = static_cast<unsigned char>(c);
  if constexpr (kKind == Kind::kByte) return c == byte;
  if constexpr (kKind == Kind::kSpace) return u == ' ' || static_cast<unsigned char>(u - 9) <= 4;
  if constexpr (kKind == Kind::kNotLetters) {
    return static_cast<unsigned char>((u | 0x20) - 'a') > 25;
  }
}

template <Kind kKind>
void masks_plain(char byte, const char* text, std::size_t blocks, std::uint64_t* masks) {
  for (std::size_t b = 0; b < blocks; ++b, text += kBlockBytes) {
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < kBlockBytes; ++i) {
      mask |= std::uint64_t{is_member<kKind>(text[i], byte)} << i;
    }
    masks[b] = mask;
  }
}

#if defined(__x86_64__)

// min(x, n) == x says x <= n for unsigned bytes, for which there is no comparison.
template <Kind kKind>
__m128i members_sse2(__m128i text, char byte) {
  if constexpr (kKind == Kind::kByte) return _mm_cmpeq_epi8(text, _mm_set1_epi8(byte));
  if constexpr (kKind == Kind::kSpace) {
    const __m128i from_tab = _mm_sub_epi8(text, _mm_set1_epi8(9));
    return _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8(' ')),
                        _mm_cmpeq_epi8(_mm_min_epu8(from_tab, _mm_set1_epi8(4)), from_tab));
  }
  if constexpr (kKind == Kind::kNotLetters) {
    const __m128i from_a =
        _mm_sub_epi8(_mm_or_si128(text, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    return _mm_cmpeq_epi8(_mm_max_epu8(from_a, _mm_set1_epi8(26)), from_a);
  }
}

template <Kind kKind>
void masks_sse2(char byte, const char* text, std::size_t blocks, std::uint64_t* masks) {
  for (std::size_t b = 0; b < blocks; ++b, text += kBlockBytes) {
    std::uint64_t mask = 0;
    for (unsigned part = 0; part < 4; ++part) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * part));
      const int bits = _mm_movemask_epi8(members_sse2<kKind>(bytes, byte));
      mask |= std::uint64_t{static_cast<std::uint32_t>(bits)} << (16 * part);
    }
    masks[b] = mask;
  }
}

template <Kind kKind>
__attribute__((target("avx2"))) __m256i members_avx2(__m256i text, char byte) {
  if constexpr (kKind == Kind::kByte) return _mm256_cmpeq_epi8(text, _mm256_set1_epi8(byte));
  if constexpr (kKind == Kind::kSpace) {
    const __m256i from_tab = _mm256_sub_epi8(text, _mm256_set1_epi8(9));
    return _mm256_or_si256(
        _mm256_cmpeq_epi8(text, _mm256_set1_epi8(' ')),
        _mm256_cmpeq_epi8(_mm256_min_epu8(from_tab, _mm256_set1_epi8(4)), from_tab));
  }
  if constexpr (kKind == Kind::kNotLetters) {
    const __m256i from_a =
        _mm256_sub_epi8(_mm256_or_si256(text, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
    return _mm256_cmpeq_epi8(_mm256_max_epu8(from_a, _mm256_set1_epi8(26)), from_a);
  }
}

template <Kind kKind>
__attribute__((target("avx2"))) void masks_avx2(char byte, const char* text, std::size_t blocks,
                                                std::uint64_t* masks) {
  for (std::size_t b = 0; b < blocks; ++b, text += kBlockBytes) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + 32));
    const int low_bits = _mm256_movemask_epi8(members_avx2<kKind>(low, byte));
    const int high_bits = _mm256_movemask_epi8(members_avx2<kKind>(high, byte));
    masks[b] = std::uint64_t{static_cast<std::uint32_t>(low_bits)} |
               std::uint64_t{static_cast<std::uint32_t>(high_bits)} << 32;
  }
}

template <Kind kKind>
__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt"))) __mmask64 members_avx512(
    __m512i text, char byte) {
  if constexpr (kKind == Kind::kByte) return _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(byte));
  if constexpr (kKind == Kind::kSpace) {
    const __m512i from_tab = _mm512_sub_epi8(text, _mm512_set1_epi8(9));
    return _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(' ')) |
           _mm512_cmple_epu8_mask(from_tab, _mm512_set1_epi8(4));
  }
  if constexpr (kKind == Kind::kNotLetters) {
    const __m512i from_a =
        _mm512_sub_epi8(_mm512_or_si512(text, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
    return _mm512_cmpgt_epu8_mask(from_a, _mm512_set1_epi8(25));
  }
}

template <Kind kKind>
__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt"))) void masks_avx512(
    char byte, const char* text, std::size_t blocks, std::uint64_t* masks) {
  for (std::size_t b = 0; b < blocks; ++b, text += kBlockBytes) {
    masks[b] = members_avx512<kKind>(_mm512_loadu_si512(text), byte);
  }
}

// The numbers of a block's bits are pressed together in a register and widened.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt"))) std::size_t
positions_avx512(const std::uint64_t* masks, std::size_t blocks, std::uint16_t* positions) {
  alignas(64) static constexpr std::array<std::uint8_t, kBlockBytes> kNumbers = [] {
    std::array<std::uint8_t, kBlockBytes> numbers{};
    for (std::size_t i = 0; i < kBlockBytes; ++i) numbers[i] = static_cast<std::uint8_t>(i);
    return numbers;
  }();
  const __m512i numbers = _mm512_load_si512(kNumbers.data());
  std::uint16_t* out = positions;
  for (std::size_t b = 0; b < blocks; ++b) {
    const auto base = _mm512_set1_epi16(static_cast<short>(b * kBlockBytes));
    const __m512i pressed = _mm512_maskz_compress_epi8(masks[b], numbers);
    const __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(pressed));
    _mm512_storeu_si512(out, _mm512_add_epi16(low, base));
    const auto count = static_cast<std::size_t>(std::popcount(masks[b]));
    // Words of one letter are needed for more.
    if (count > kBlockBytes / 2) {
      const __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(pressed, 1));
      _mm512_storeu_si512(out + kBlockBytes / 2, _mm512_add_epi16(high, base));
    }
    out += count;
  }
  return static_cast<std::size_t>(out - positions);
}

// Which bits each byte has, the lowest first.
constexpr std::array<std::array<std::uint8_t, 8>, 256> kBitsOfBytes = [] {
  std::array<std::array<std::uint8_t, 8>, 256> bits{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::size_t count = 0;
    for (std::uint8_t bit = 0; bit < 8; ++bit) {
      if ((byte >> bit & 1) != 0) bits[byte][count++] = bit;
    }
  }
  return bits;
}();

// A byte's bits at a time, out of a table: no branch depends on how many there are.
__attribute__((target("avx2,popcnt"))) std::size_t positions_avx2(const std::uint64_t* masks,
                                                                  std::size_t blocks,
                                                                  std::uint16_t* positions) {
  std::uint16_t* out = positions;
  __m128i base = _mm_setzero_si128();
  for (std::size_t b = 0; b < blocks; ++b) {
    std::uint64_t mask = masks[b];
    for (std::size_t i = 0; i < sizeof mask; ++i, mask >>= 8) {
      const std::uint64_t byte = mask & 0xff;
      const auto* bits = reinterpret_cast<const __m128i*>(kBitsOfBytes[byte].data());
      const __m128i wide = _mm_cvtepu8_epi16(_mm_loadl_epi64(bits));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_add_epi16(wide, base));
      out += std::popcount(byte);
      base = _mm_add_epi16(base, _mm_set1_epi16(8));
    }
  }
  return static_cast<std::size_t>(out - positions);
}

#endif

// Eight at a time, whether or not there are as many: what is too much is overwritten.
std::size_t positions_plain(const std::uint64_t* masks, std::size_t blocks,
                            std::uint16_t* positions) {
  constexpr std::size_t kAtOnce = 8;
  std::uint16_t* out = positions;
  for (std::size_t b = 0; b < blocks; ++b) {
    std::uint64_t mask = masks[b];
    const auto count = static_cast<std::size_t>(std::popcount(mask));
    for (std::size_t i = 0; i < count; i += kAtOnce) {
      for (std::size_t k = 0; k < kAtOnce; ++k) {
        out[i + k] = static_cast<std::uint16_t>(b * kBlockBytes +
                                                static_cast<unsigned>(std::countr_zero(mask)));
        mask &= mask - 1;
      }
    }
    out += count;
  }
  return static_cast<std::size_t>(out - positions);
}

__attribute__((always_inline)) inline std::uint64_t bits_of(const std::uint64_t* masks,
                                                            std::size_t blocks) {
  std::uint64_t count = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    count += static_cast<std::uint64_t>(std::popcount(masks[b]));
  }
  return count;
}

#if defined(__x86_64__)
// One instruction a mask instead of a dozen.
__attribute__((target("popcnt"))) std::uint64_t bits_of_popcnt(const std::uint64_t* masks,
                                                               std::size_t blocks) {
  return bits_of(masks, blocks);
}
#endif

template <Kind kKind>
MaskFunction function_of(VectorLevel level) {
#if defined(__x86_64__)
  if (level == VectorLevel::kAvx512) return masks_avx512<kKind>;
  if (level == VectorLevel::kAvx2) return masks_avx2<kKind>;
  if (level == VectorLevel::kSse2) return masks_sse2<kKind>;
#endif
  static_cast<void>(level);
  return masks_plain<kKind>;
}

}  // namespace

VectorLevel best_vector_level() {
#if defined(__x86_64__)
  static const VectorLevel level = [] {
    if (__builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
        __builtin_cpu_supports("avx512vbmi2") != 0) {
      return VectorLevel::kAvx512;
    }
    if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0) {
      return VectorLevel::kAvx2;
    }
    return VectorLevel::kSse2;
  }();
  return level;
#else
  return VectorLevel::kPlain;
#endif
}

void class_masks(ByteClass wanted, const char* text, std::size_t blocks, std::uint64_t* masks,
                 VectorLevel level) {
  switch (wanted.kind) {
    case Kind::kByte:
      return function_of<Kind::kByte>(level)(wanted.byte, text, blocks, masks);
    case Kind::kSpace:
      return function_of<Kind::kSpace>(level)(wanted.byte, text, blocks, masks);
    case Kind::kNotLetters:
      return function_of<Kind::kNotLetters>(level)(wanted.byte, text, blocks, masks);
  }
}

void class_masks(ByteClass wanted, const char* text, std::size_t blocks, std::uint64_t* masks) {
  class_masks(wanted, text, blocks, masks, best_vector_level());
}

std::size_t bit_positions(const std::uint64_t* masks, std::size_t blocks, std::uint16_t* positions,
                          VectorLevel level) {
#if defined(__x86_64__)
  if (level == VectorLevel::kAvx512) return positions_avx512(masks, blocks, positions);
  if (level == VectorLevel::kAvx2) return positions_avx2(masks, blocks, positions);
#endif
  static_cast<void>(level);
  return positions_plain(masks, blocks, positions);
}

std::size_t bit_positions(const std::uint64_t* masks, std::size_t blocks,
                          std::uint16_t* positions) {
  return bit_positions(masks, blocks, positions, best_vector_level());
}

std::uint64_t count_bits(const std::uint64_t* masks, std::size_t blocks) {
#if defined(__x86_64__)
  if (best_vector_level() >= VectorLevel::kAvx2) return bits_of_popcnt(masks, blocks);
#endif
  return bits_of(masks, blocks);
}

}  // namespace gorun::jobs
