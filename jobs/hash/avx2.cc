// jobs/hash/avx2.cc - the kernels in the lanes of 256-bit registers: 8 messages at once.
//
// Compiled with -mavx2; see jobs/hash/sha256_rounds.h for what follows from that.
#include <immintrin.h>

#include "jobs/hash/blake3_rounds.h"
#include "jobs/hash/sha256_rounds.h"

namespace gorun::jobs {
namespace {

// 8 lanes of 32 bits.
struct Avx2 {
  using Reg = __m256i;
  static constexpr std::size_t kLanes = 8;

  static Reg load(const std::uint32_t* words) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(words));
  }
  static void store(std::uint32_t* words, Reg r) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(words), r);
  }
  static Reg set(std::uint32_t word) { return _mm256_set1_epi32(static_cast<int>(word)); }
  static Reg add(Reg a, Reg b) { return _mm256_add_epi32(a, b); }
  static Reg exclusive_or(Reg a, Reg b) { return _mm256_xor_si256(a, b); }
  template <int kBits>
  static Reg rotr(Reg r) {
    if constexpr (kBits == 8) return _mm256_shuffle_epi8(r, same_in_words(0x00030201));
    if constexpr (kBits == 16) return _mm256_shuffle_epi8(r, same_in_words(0x01000302));
    return _mm256_or_si256(_mm256_srli_epi32(r, kBits), _mm256_slli_epi32(r, 32 - kBits));
  }
  template <int kBits>
  static Reg shift_right(Reg r) {
    return _mm256_srli_epi32(r, kBits);
  }
  static Reg xor3(Reg a, Reg b, Reg c) { return exclusive_or(exclusive_or(a, b), c); }
  static Reg choose(Reg a, Reg b, Reg c) {
    return exclusive_or(c, _mm256_and_si256(a, exclusive_or(b, c)));
  }
  static Reg majority(Reg a, Reg b, Reg c) {
    return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
  }

  // Row i becomes word i of all 8 lanes: two transpositions of 8 by 8.
  static void load_words(const std::uint8_t* const* data, std::size_t offset, Reg* w) {
    load_half(data, offset, w);
    load_half(data, offset + 32, w + 8);
  }
  static void load_words_be(const std::uint8_t* const* data, std::size_t offset, Reg* w) {
    const Reg swap = _mm256_set_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203, 0x0c0d0e0f,
                                      0x08090a0b, 0x04050607, 0x00010203);
    load_words(data, offset, w);
    for (int i = 0; i < 16; ++i) w[i] = _mm256_shuffle_epi8(w[i], swap);
  }

 private:
  // The mask of a byte shuffle that does to every word what `first` does to word 0.
  static Reg same_in_words(int first) {
    constexpr int kNextWord = 0x04040404;
    const int second = first + kNextWord;
    const int third = second + kNextWord;
    const int fourth = third + kNextWord;
    return _mm256_set_epi32(fourth, third, second, first, fourth, third, second, first);
  }

  static void load_half(const std::uint8_t* const* data, std::size_t offset, Reg* w) {
    Reg a[8];
    for (int i = 0; i < 8; ++i) {
      a[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data[i] + offset));
    }
    Reg b[8];
    for (int i = 0; i < 8; i += 2) {
      b[i] = _mm256_unpacklo_epi32(a[i], a[i + 1]);
      b[i + 1] = _mm256_unpackhi_epi32(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      a[i] = _mm256_unpacklo_epi64(b[i], b[i + 2]);
      a[i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 2]);
      a[i + 2] = _mm256_unpacklo_epi64(b[i + 1], b[i + 3]);
      a[i + 3] = _mm256_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    for (int i = 0; i < 4; ++i) {
      w[i] = _mm256_permute2x128_si256(a[i], a[i + 4], 0x20);
      w[4 + i] = _mm256_permute2x128_si256(a[i], a[i + 4], 0x31);
    }
  }
};

}  // namespace

void sha256_compress_avx2(Sha256Words* const* states, const std::uint8_t* const* data,
                          std::size_t blocks) {
  Sha256Rounds<Avx2>::compress(states, data, blocks);
}

void blake3_compress_avx2(const std::uint8_t* const* inputs, std::size_t count,
                          const Blake3Inputs& how, std::uint8_t* out) {
  Blake3Rounds<Avx2>::compress(inputs, count, how, out);
}

void blake3_jobs_avx2(const Blake3Job* jobs, std::size_t count) {
  Blake3Rounds<Avx2>::compute_jobs(jobs, count);
}

}  // namespace gorun::jobs
