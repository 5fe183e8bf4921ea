#include "jobs/text/byte_class.h"

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

#endif

template <Kind kKind>
MaskFunction function_of(VectorLevel level) {
#if defined(__x86_64__)
  if (level == VectorLevel::kAvx2) return masks_avx2<kKind>;
  if (level == VectorLevel::kSse2) return masks_sse2<kKind>;
#endif
  static_cast<void>(level);
  return masks_plain<kKind>;
}

}  // namespace

VectorLevel best_vector_level() {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  return has_avx2 ? VectorLevel::kAvx2 : VectorLevel::kSse2;
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

}  // namespace gorun::jobs
