// jobs/hash/sha256_rounds.h - SHA-256 over a vector of lanes, whatever the vector.
//
// A template on the instruction set. Each is instantiated in one file only, the one that is
// compiled for these instructions, with a type that only this file has: so the linker cannot put
// code for a new processor where an old one runs. For the same reason such a file calls no inline
// function that another file may call, too, not even operator[] of std::array.
//
// `Isa` offers: Reg, kLanes, load(ptr), store(ptr, r), set(word), add(a, b), rotr<n>(r),
// shift_right<n>(r), xor3(a, b, c), choose(a, b, c) = a ? b : c, majority(a, b, c), and
// load_words_be(data, offset, Reg[16]): the 16 words of a block for each lane.
#pragma once

#include <cstddef>
#include <cstdint>

#include "jobs/hash/sha256_kernels.h"

namespace gorun::jobs {

template <class Isa>
class Sha256Rounds {
 public:
  static void compress(Sha256Words* const* states, const std::uint8_t* const* data,
                       std::size_t blocks) {
    alignas(64) Row rows[8];
    for (std::size_t lane = 0; lane < Isa::kLanes; ++lane) {
      const std::uint32_t* const words = states[lane]->word;
      for (std::size_t i = 0; i < 8; ++i) rows[i][lane] = words[i];
    }
    for (std::size_t block = 0; block < blocks; ++block) {
      one_block(rows, data, block * kSha256BlockBytes);
    }
    for (std::size_t lane = 0; lane < Isa::kLanes; ++lane) {
      std::uint32_t* const words = states[lane]->word;
      for (std::size_t i = 0; i < 8; ++i) words[i] = rows[i][lane];
    }
  }

 private:
  using Reg = typename Isa::Reg;
  using Row = std::uint32_t[Isa::kLanes];

  [[gnu::always_inline]] static inline void one_block(Row* rows, const std::uint8_t* const* data,
                                                      std::size_t offset) {
    Reg w[16];
    Isa::load_words_be(data, offset, w);
    Reg s[8];
    for (std::size_t i = 0; i < 8; ++i) s[i] = Isa::load(rows[i]);
    asm("" : : : "memory");
    const std::uint32_t* constants = kSha256Rounds;
    // Unknown to the compiler, which would else make immediate values of them and move each through
    // a general register; an addition takes them from memory at no price.
    asm("" : "+r"(constants));
    sixteen_rounds(s, w, constants);
    for (int i = 0; i < 3; ++i) {
      constants += 16;
      schedule_and_sixteen_rounds(s, w, constants);
    }
    for (std::size_t i = 0; i < 8; ++i) Isa::store(rows[i], Isa::add(Isa::load(rows[i]), s[i]));
  }

  // The eight names rotate by one with every round, so that no register is moved.
  template <std::size_t kI>
  [[gnu::always_inline]] static inline void round(Reg* s, Reg w, const std::uint32_t* constants) {
    const Reg a = s[(8 - kI % 8) % 8];
    const Reg b = s[(9 - kI % 8) % 8];
    const Reg c = s[(10 - kI % 8) % 8];
    Reg& d = s[(11 - kI % 8) % 8];
    const Reg e = s[(12 - kI % 8) % 8];
    const Reg f = s[(13 - kI % 8) % 8];
    const Reg g = s[(14 - kI % 8) % 8];
    Reg& h = s[(15 - kI % 8) % 8];
    const Reg sum1 =
        Isa::xor3(Isa::template rotr<6>(e), Isa::template rotr<11>(e), Isa::template rotr<25>(e));
    const Reg sum0 =
        Isa::xor3(Isa::template rotr<2>(a), Isa::template rotr<13>(a), Isa::template rotr<22>(a));
    const Reg wk = Isa::add(w, Isa::set(constants[kI]));
    // What comes last in the chain of rounds, sum1, is added last.
    const Reg t1 = Isa::add(Isa::add(Isa::add(h, wk), Isa::choose(e, f, g)), sum1);
    d = Isa::add(d, t1);
    h = Isa::add(Isa::add(sum0, Isa::majority(a, b, c)), t1);
  }

  template <std::size_t kI>
  [[gnu::always_inline]] static inline void schedule(Reg* w) {
    const Reg w15 = w[(kI + 1) % 16];
    const Reg w2 = w[(kI + 14) % 16];
    const Reg s0 = Isa::xor3(Isa::template rotr<7>(w15), Isa::template rotr<18>(w15),
                             Isa::template shift_right<3>(w15));
    const Reg s1 = Isa::xor3(Isa::template rotr<17>(w2), Isa::template rotr<19>(w2),
                             Isa::template shift_right<10>(w2));
    w[kI] = Isa::add(Isa::add(w[kI], s0), Isa::add(w[(kI + 9) % 16], s1));
  }

  template <std::size_t kI = 0>
  [[gnu::always_inline]] static inline void sixteen_rounds(Reg* s, const Reg* w,
                                                           const std::uint32_t* constants) {
    round<kI>(s, w[kI], constants);
    if constexpr (kI + 1 < 16) sixteen_rounds<kI + 1>(s, w, constants);
  }

  template <std::size_t kI = 0>
  [[gnu::always_inline]] static inline void schedule_and_sixteen_rounds(
      Reg* s, Reg* w, const std::uint32_t* constants) {
    schedule<kI>(w);
    round<kI>(s, w[kI], constants);
    if constexpr (kI + 1 < 16) schedule_and_sixteen_rounds<kI + 1>(s, w, constants);
  }
};

}  // namespace gorun::jobs
