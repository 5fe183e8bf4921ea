// jobs/mapreduce/distinct_estimate.h - about how many different hashes there were, in 4 KiB.
//
// Each hash belongs to one of 4,096 registers, which keeps the longest row of zeros that the rest
// of one began with: of n hashes, about log2(n). The harmonic mean over the registers is off by
// 1.6 % (standard deviation); as long as some have seen none, how many these are tells more.
//
// Prior art: P. Flajolet et al., HyperLogLog, 2007.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace gorun::jobs {

/// threads  one at a time.
class DistinctEstimate {
 public:
  void note(std::uint64_t hash) {
    // The hashes of one shard begin alike.
    const std::uint64_t spread = hash * 0x9E37'79B9'7F4A'7C15;
    std::uint8_t& longest = longest_[spread >> (64 - kRegisterBits)];
    const std::uint64_t rest = spread << kRegisterBits | 1U << (kRegisterBits - 1);
    longest = std::max(longest, static_cast<std::uint8_t>(std::countl_zero(rest) + 1));
  }

  void note_all_of(const DistinctEstimate& other) {
    for (std::size_t i = 0; i < longest_.size(); ++i) {
      longest_[i] = std::max(longest_[i], other.longest_[i]);
    }
  }

  [[nodiscard]] double value() const {
    double sum = 0;
    double unused = 0;
    for (const std::uint8_t longest : longest_) {
      sum += std::ldexp(1.0, -longest);
      unused += longest == 0 ? 1 : 0;
    }
    constexpr double kCount = std::size_t{1} << kRegisterBits;
    constexpr double kBias = 0.7213 / (1 + 1.079 / kCount);
    const double mean = kBias * kCount * kCount / sum;
    return mean <= 2.5 * kCount && unused > 0 ? kCount * std::log(kCount / unused) : mean;
  }

 private:
  static constexpr int kRegisterBits = 12;
  std::array<std::uint8_t, std::size_t{1} << kRegisterBits> longest_{};
};

}  // namespace gorun::jobs
