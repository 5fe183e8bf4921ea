// jobs/hash/sha_ni.cc - SHA-256 with the processor's own instructions for it, one or two messages.
//
// Compiled with -msha -mssse3 -msse4.1; see jobs/hash/sha256_rounds.h for what follows from that.
// Each sha256rnds2 waits for the one before it, so that one message keeps half of the unit idle:
// a second one, interleaved, comes at half of its price. A third finds no registers.
#include <immintrin.h>

#include "jobs/hash/sha256_kernels.h"

namespace gorun::jobs {
namespace {

template <int kStreams>
struct ShaNi {
  __m128i abef[kStreams];
  __m128i cdgh[kStreams];
  __m128i w[kStreams][4];  // the last 16 words of the schedule

  // Four rounds; word group kI of the schedule is w[kI % 4], and group kI + 4 replaces it.
  template <int kI>
  [[gnu::always_inline]] inline void four_rounds() {
    const __m128i constants =
        _mm_load_si128(reinterpret_cast<const __m128i*>(kSha256Rounds + 4 * kI));
    for (int s = 0; s < kStreams; ++s) {
      const __m128i wk = _mm_add_epi32(w[s][kI % 4], constants);
      cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], wk);
      abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32(wk, 0x0e));
      if constexpr (kI < 12) {
        const __m128i middle = _mm_alignr_epi8(w[s][(kI + 3) % 4], w[s][(kI + 2) % 4], 4);
        const __m128i partial =
            _mm_add_epi32(_mm_sha256msg1_epu32(w[s][kI % 4], w[s][(kI + 1) % 4]), middle);
        w[s][kI % 4] = _mm_sha256msg2_epu32(partial, w[s][(kI + 3) % 4]);
      }
    }
    if constexpr (kI + 1 < 16) four_rounds<kI + 1>();
  }

  [[gnu::always_inline]] inline void one_block(const std::uint8_t* const* data,
                                               std::size_t offset) {
    const __m128i swap = _mm_set_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);
    __m128i abef_before[kStreams];
    __m128i cdgh_before[kStreams];
    for (int s = 0; s < kStreams; ++s) {
      abef_before[s] = abef[s];
      cdgh_before[s] = cdgh[s];
      const auto* words = reinterpret_cast<const __m128i*>(data[s] + offset);
      for (int i = 0; i < 4; ++i) w[s][i] = _mm_shuffle_epi8(_mm_loadu_si128(words + i), swap);
    }
    four_rounds<0>();
    for (int s = 0; s < kStreams; ++s) {
      abef[s] = _mm_add_epi32(abef[s], abef_before[s]);
      cdgh[s] = _mm_add_epi32(cdgh[s], cdgh_before[s]);
    }
  }

  static void compress(Sha256Words* const* states, const std::uint8_t* const* data,
                       std::size_t blocks) {
    ShaNi lanes;
    // The instructions want (f, e, b, a) and (h, g, d, c), lowest word first.
    for (int s = 0; s < kStreams; ++s) {
      const auto* words = reinterpret_cast<const __m128i*>(states[s]->word);
      const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xb1);
      const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1b);
      lanes.abef[s] = _mm_alignr_epi8(badc, hgfe, 8);
      lanes.cdgh[s] = _mm_blend_epi16(hgfe, badc, 0xf0);
    }
    for (std::size_t block = 0; block < blocks; ++block) {
      lanes.one_block(data, block * kSha256BlockBytes);
    }
    for (int s = 0; s < kStreams; ++s) {
      auto* words = reinterpret_cast<__m128i*>(states[s]->word);
      const __m128i abef_up = _mm_shuffle_epi32(lanes.abef[s], 0x1b);  // a, b, e, f
      const __m128i ghcd = _mm_shuffle_epi32(lanes.cdgh[s], 0xb1);     // g, h, c, d
      _mm_storeu_si128(words, _mm_blend_epi16(abef_up, ghcd, 0xf0));
      _mm_storeu_si128(words + 1, _mm_alignr_epi8(ghcd, abef_up, 8));
    }
  }
};

}  // namespace

void sha256_compress_sha_ni(Sha256Words* const* states, const std::uint8_t* const* data,
                            std::size_t blocks) {
  ShaNi<1>::compress(states, data, blocks);
}

void sha256_compress_sha_ni_2(Sha256Words* const* states, const std::uint8_t* const* data,
                              std::size_t blocks) {
  ShaNi<2>::compress(states, data, blocks);
}

}  // namespace gorun::jobs
