// cli/rate.h - how fast a counter grows, averaged over about two seconds.
#pragma once

#include <cmath>
#include <cstdint>

namespace gorun::cli {

class Rate {
 public:
  /// The counter's value `seconds` after the last call; 0 seconds tell nothing.
  void update(std::uint64_t count, double seconds) {
    if (seconds > 0) {
      const double now = static_cast<double>(count - count_) / seconds;
      const double weight = 1 - std::exp(-seconds / kMemorySeconds);
      per_s_ = per_s_ == 0 ? now : per_s_ + weight * (now - per_s_);
    }
    count_ = count;
  }
  [[nodiscard]] double per_s() const { return per_s_; }

 private:
  static constexpr double kMemorySeconds = 2;
  std::uint64_t count_ = 0;
  double per_s_ = 0;
};

}  // namespace gorun::cli
