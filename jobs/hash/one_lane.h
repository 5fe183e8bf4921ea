// jobs/hash/one_lane.h - a lane set of one: plain words, for the rounds of SHA-256 and BLAKE3
// on any processor.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gorun::jobs {

struct OneLane {
  using Reg = std::uint32_t;
  static constexpr std::size_t kLanes = 1;

  static Reg load(const std::uint32_t* words) { return *words; }
  static void store(std::uint32_t* words, Reg r) { *words = r; }
  static Reg set(std::uint32_t word) { return word; }
  static Reg add(Reg a, Reg b) { return a + b; }
  template <int kBits>
  static Reg rotr(Reg r) {
    return r >> kBits | r << (32 - kBits);
  }
};

}  // namespace gorun::jobs
