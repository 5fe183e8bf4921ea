// jobs/hash/blake3_vec128.cc - BLAKE3 in four lanes of the 128-bit registers that x86-64 (SSE2) and
// aarch64 (Neon) always have, by way of the compiler's own vectors; and in one lane.
#include <cstddef>
#include <cstdint>

#include "jobs/hash/blake3_rounds.h"
#include "jobs/hash/one_lane.h"

namespace gorun::jobs {
namespace {

// 4 lanes of 32 bits.
struct Vec128 {
  using Reg = std::uint32_t __attribute__((vector_size(16)));
  static constexpr std::size_t kLanes = 4;

  static Reg load(const std::uint32_t* words) {
    Reg r;
    __builtin_memcpy(&r, words, sizeof r);
    return r;
  }
  static void store(std::uint32_t* words, Reg r) { __builtin_memcpy(words, &r, sizeof r); }
  static Reg set(std::uint32_t word) { return Reg{word, word, word, word}; }
  static Reg add(Reg a, Reg b) { return a + b; }
  static Reg exclusive_or(Reg a, Reg b) { return a ^ b; }
  template <int kBits>
  static Reg rotr(Reg r) {
    return r >> kBits | r << (32 - kBits);
  }
  static void load_words(const std::uint8_t* const* data, std::size_t offset, Reg* w) {
    for (std::size_t i = 0; i < 16; i += 4) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        std::uint32_t words[4];
        __builtin_memcpy(words, data[lane] + offset + 4 * i, sizeof words);
        for (std::size_t k = 0; k < 4; ++k) w[i + k][lane] = words[k];
      }
    }
  }
};

struct Portable : OneLane {
  static Reg exclusive_or(Reg a, Reg b) { return a ^ b; }
  static void load_words(const std::uint8_t* const* data, std::size_t offset, Reg* w) {
    __builtin_memcpy(w, data[0] + offset, kBlake3BlockBytes);
  }
};

}  // namespace

void blake3_compress_vec128(const std::uint8_t* const* inputs, std::size_t count,
                            const Blake3Inputs& how, std::uint8_t* out) {
  Blake3Rounds<Vec128>::compress(inputs, count, how, out);
}

void blake3_compress_portable(const std::uint8_t* const* inputs, std::size_t count,
                              const Blake3Inputs& how, std::uint8_t* out) {
  Blake3Rounds<Portable>::compress(inputs, count, how, out);
}

void blake3_jobs_vec128(const Blake3Job* jobs, std::size_t count) {
  Blake3Rounds<Vec128>::compute_jobs(jobs, count);
}

void blake3_jobs_portable(const Blake3Job* jobs, std::size_t count) {
  Blake3Rounds<Portable>::compute_jobs(jobs, count);
}

void blake3_compress_block(std::uint32_t* cv, const std::uint8_t* block, std::uint32_t length,
                           std::uint64_t counter, std::uint32_t flags) {
  Blake3Rounds<Portable>::compress_block(cv, block, length, counter, flags);
}

}  // namespace gorun::jobs
