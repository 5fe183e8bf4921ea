// jobs/hash/blake3_rounds.h - BLAKE3 over a vector of lanes, whatever the vector.
//
// A template on the instruction set, as jobs/hash/sha256_rounds.h is, and under its rules.
// `Isa` offers: Reg, kLanes, load(ptr), store(ptr, r), set(word), add(a, b), exclusive_or(a, b),
// rotr<n>(r) and load_words(data, offset, Reg[16]): the 16 words of a block for each lane.
#pragma once

#include <cstddef>
#include <cstdint>

#include "jobs/hash/blake3_kernels.h"

namespace gorun::jobs {

template <class Isa>
class Blake3Rounds {
 public:
  static void compress(const std::uint8_t* const* inputs, std::size_t count,
                       const Blake3Inputs& how, std::uint8_t* out) {
    const std::uint8_t* data[Isa::kLanes];
    Row counters[2];
    for (std::size_t i = 0; i < Isa::kLanes; ++i) {
      data[i] = inputs[i < count ? i : 0];  // the other lanes compute what nobody reads
      const std::uint64_t counter = how.counter + (how.is_chunk ? i : 0);
      counters[0].word[i] = static_cast<std::uint32_t>(counter);
      counters[1].word[i] = static_cast<std::uint32_t>(counter >> 32);
    }
    Reg cv[8];
    for (std::size_t i = 0; i < 8; ++i) cv[i] = Isa::set(kBlake3Start[i]);
    for (std::size_t block = 0; block < how.blocks; ++block) {
      std::uint32_t flags = how.is_chunk ? 0 : kBlake3Parent;
      if (how.is_chunk && block == 0) flags |= kBlake3ChunkStart;
      if (how.is_chunk && block + 1 == how.blocks) flags |= kBlake3ChunkEnd;
      one_block(cv, data, block * kBlake3BlockBytes, counters, Isa::set(kBlake3BlockBytes),
                Isa::set(flags));
    }
    Row rows[8];
    for (std::size_t i = 0; i < 8; ++i) Isa::store(rows[i].word, cv[i]);
    for (std::size_t lane = 0; lane < count; ++lane, out += kBlake3CvBytes) {
      for (std::size_t i = 0; i < 8; ++i) {
        __builtin_memcpy(out + 4 * i, &rows[i].word[lane], 4);
      }
    }
  }

  /// Jobs of different lengths: a lane whose job has ended goes on over its last block, which
  /// nobody reads any more. Most waste is avoided by who gives us jobs of like length.
  static void compute_jobs(const Blake3Job* jobs, std::size_t count) {
    const std::uint8_t* data[Isa::kLanes];
    std::uint8_t last[Isa::kLanes][kBlake3BlockBytes];
    Row counters[2];
    std::uint32_t blocks = 0;
    for (std::size_t i = 0; i < Isa::kLanes; ++i) {
      const Blake3Job& job = jobs[i < count ? i : 0];
      counters[0].word[i] = static_cast<std::uint32_t>(job.counter);
      counters[1].word[i] = static_cast<std::uint32_t>(job.counter >> 32);
      if (job.blocks > blocks) blocks = job.blocks;
      copy_last_block(job, last[i]);
    }
    Reg cv[8];
    for (std::size_t i = 0; i < 8; ++i) cv[i] = Isa::set(kBlake3Start[i]);
    Row lengths;
    Row flags;
    for (std::uint32_t block = 0; block < blocks; ++block) {
      bool one_ends = false;
      for (std::size_t i = 0; i < Isa::kLanes; ++i) {
        const Blake3Job& job = jobs[i < count ? i : 0];
        const bool is_last = block + 1 >= job.blocks;
        one_ends = one_ends || block + 1 == job.blocks;
        data[i] = is_last ? last[i] : job.data + block * kBlake3BlockBytes;
        lengths.word[i] = is_last ? job.last_length : kBlake3BlockBytes;
        flags.word[i] =
            job.flags | (block == 0 ? job.first_flags : 0) | (is_last ? job.last_flags : 0);
      }
      one_block(cv, data, 0, counters, Isa::load(lengths.word), Isa::load(flags.word));
      if (one_ends) put_out_ended(jobs, count, block + 1, cv);
    }
  }

  /// One block of one lane; `length` bytes of it count.
  static void compress_block(std::uint32_t* cv, const std::uint8_t* block, std::uint32_t length,
                             std::uint64_t counter,
                             std::uint32_t flags) requires(Isa::kLanes == 1) {
    const Row counters[2] = {{{static_cast<std::uint32_t>(counter)}},
                             {{static_cast<std::uint32_t>(counter >> 32)}}};
    one_block(cv, &block, 0, counters, Isa::set(length), Isa::set(flags));
  }

 private:
  using Reg = typename Isa::Reg;
  struct alignas(64) Row {
    std::uint32_t word[Isa::kLanes];
  };

  // With zeros behind what counts.
  static void copy_last_block(const Blake3Job& job, std::uint8_t* out) {
    const std::uint8_t* const from = job.data + (job.blocks - 1) * kBlake3BlockBytes;
    if (job.last_length < kBlake3BlockBytes) __builtin_memset(out, 0, kBlake3BlockBytes);
    __builtin_memcpy(out, from, job.last_length);
  }

  // The values of the jobs that had so many blocks.
  static void put_out_ended(const Blake3Job* jobs, std::size_t count, std::uint32_t blocks,
                            const Reg* cv) {
    Row rows[8];
    for (std::size_t i = 0; i < 8; ++i) Isa::store(rows[i].word, cv[i]);
    for (std::size_t lane = 0; lane < count; ++lane) {
      if (jobs[lane].blocks != blocks) continue;
      for (std::size_t i = 0; i < 8; ++i) {
        __builtin_memcpy(jobs[lane].out + 4 * i, &rows[i].word[lane], 4);
      }
    }
  }

  [[gnu::always_inline]] static inline void one_block(Reg* cv, const std::uint8_t* const* data,
                                                      std::size_t offset, const Row* counters,
                                                      Reg length, Reg flags) {
    Reg m[16];
    Isa::load_words(data, offset, m);
    Reg v[16] = {cv[0],
                 cv[1],
                 cv[2],
                 cv[3],
                 cv[4],
                 cv[5],
                 cv[6],
                 cv[7],
                 Isa::set(kBlake3Start[0]),
                 Isa::set(kBlake3Start[1]),
                 Isa::set(kBlake3Start[2]),
                 Isa::set(kBlake3Start[3]),
                 Isa::load(counters[0].word),
                 Isa::load(counters[1].word),
                 length,
                 flags};
    rounds<0>(v, m);
    for (std::size_t i = 0; i < 8; ++i) cv[i] = Isa::exclusive_or(v[i], v[i + 8]);
  }

  template <std::size_t kRound>
  [[gnu::always_inline]] static inline void rounds(Reg* v, const Reg* m) {
    mix_four<kRound, 0>(v, m);  // columns
    mix_four<kRound, 1>(v, m);  // diagonals
    if constexpr (kRound + 1 < 7) rounds<kRound + 1>(v, m);
  }

  // Four mixings, of which none waits for another.
  template <std::size_t kRound, std::size_t kShift>
  [[gnu::always_inline]] static inline void mix_four(Reg* v, const Reg* m) {
    constexpr const std::uint8_t* kAt = kBlake3Schedule[kRound] + 8 * kShift;
    half_mix<0, kShift, 16, 12>(v, m[kAt[0]]);
    half_mix<1, kShift, 16, 12>(v, m[kAt[2]]);
    half_mix<2, kShift, 16, 12>(v, m[kAt[4]]);
    half_mix<3, kShift, 16, 12>(v, m[kAt[6]]);
    half_mix<0, kShift, 8, 7>(v, m[kAt[1]]);
    half_mix<1, kShift, 8, 7>(v, m[kAt[3]]);
    half_mix<2, kShift, 8, 7>(v, m[kAt[5]]);
    half_mix<3, kShift, 8, 7>(v, m[kAt[7]]);
  }

  template <std::size_t kI, std::size_t kShift, int kFirst, int kSecond>
  [[gnu::always_inline]] static inline void half_mix(Reg* v, Reg m) {
    Reg& a = v[kI];
    Reg& b = v[4 + (kI + kShift) % 4];
    Reg& c = v[8 + (kI + 2 * kShift) % 4];
    Reg& d = v[12 + (kI + 3 * kShift) % 4];
    a = Isa::add(Isa::add(a, m), b);
    d = Isa::template rotr<kFirst>(Isa::exclusive_or(d, a));
    c = Isa::add(c, d);
    b = Isa::template rotr<kSecond>(Isa::exclusive_or(b, c));
  }
};

}  // namespace gorun::jobs
