// jobs/hash/avx512.cc - the kernels in the lanes of 512-bit registers: 16 messages at once.
//
// Compiled with -mavx512f -mavx512bw -mavx512vl; see jobs/hash/sha256_rounds.h for what follows
// from that. Rotations and three-way logic are single instructions here.
#include <immintrin.h>

#include "jobs/hash/blake3_rounds.h"
#include "jobs/hash/sha256_rounds.h"

namespace gorun::jobs {
namespace {

// 16 lanes of 32 bits.
struct Avx512 {
  using Reg = __m512i;
  static constexpr std::size_t kLanes = 16;

  static Reg load(const std::uint32_t* words) { return _mm512_load_si512(words); }
  static void store(std::uint32_t* words, Reg r) { _mm512_store_si512(words, r); }
  static Reg set(std::uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }
  static Reg add(Reg a, Reg b) { return _mm512_add_epi32(a, b); }
  static Reg exclusive_or(Reg a, Reg b) { return _mm512_xor_si512(a, b); }
  template <int kBits>
  static Reg rotr(Reg r) {
    return _mm512_ror_epi32(r, kBits);
  }
  template <int kBits>
  static Reg shift_right(Reg r) {
    return _mm512_srli_epi32(r, kBits);
  }
  // The constants are truth tables over (a, b, c).
  static Reg xor3(Reg a, Reg b, Reg c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
  static Reg choose(Reg a, Reg b, Reg c) { return _mm512_ternarylogic_epi32(a, b, c, 0xca); }
  static Reg majority(Reg a, Reg b, Reg c) { return _mm512_ternarylogic_epi32(a, b, c, 0xe8); }

  // Row i becomes word i of all 16 lanes: a transposition in four steps of 16 shuffles.
  static void load_words(const std::uint8_t* const* data, std::size_t offset, Reg* w) {
    Reg a[16];
    for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_si512(data[i] + offset);
    Reg b[16];
    for (int i = 0; i < 16; i += 2) {
      b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
      b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
      a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
      a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
      a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
      a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    // a[4 g + j]: words j, 4 + j, 8 + j, 12 + j of the lanes 4 g to 4 g + 3, a quarter each.
    for (int j = 0; j < 4; ++j) {
      const Reg even_low = _mm512_shuffle_i32x4(a[j], a[4 + j], 0x88);
      const Reg odd_low = _mm512_shuffle_i32x4(a[j], a[4 + j], 0xdd);
      const Reg even_high = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0x88);
      const Reg odd_high = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0xdd);
      w[j] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
      w[4 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
      w[8 + j] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
      w[12 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
    }
  }

  static void load_words_be(const std::uint8_t* const* data, std::size_t offset, Reg* w) {
    const Reg swap = _mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);
    load_words(data, offset, w);
    for (int i = 0; i < 16; ++i) w[i] = _mm512_shuffle_epi8(w[i], swap);
  }
};

}  // namespace

void sha256_compress_avx512(Sha256Words* const* states, const std::uint8_t* const* data,
                            std::size_t blocks) {
  Sha256Rounds<Avx512>::compress(states, data, blocks);
}

void blake3_compress_avx512(const std::uint8_t* const* inputs, std::size_t count,
                            const Blake3Inputs& how, std::uint8_t* out) {
  Blake3Rounds<Avx512>::compress(inputs, count, how, out);
}

void blake3_jobs_avx512(const Blake3Job* jobs, std::size_t count) {
  Blake3Rounds<Avx512>::compute_jobs(jobs, count);
}

}  // namespace gorun::jobs
