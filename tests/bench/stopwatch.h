// tests/bench/stopwatch.h - one timed figure per line: name, value, unit, separated by tabs.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

namespace gorun::bench {

/// Prints one figure; the line is complete when this returns, so a later hang loses nothing.
inline void report(std::string_view name, double value, std::string_view unit) {
  std::printf("%.*s\t%.4g\t%.*s\n", static_cast<int>(name.size()), name.data(), value,
              static_cast<int>(unit.size()), unit.data());
  std::fflush(stdout);
}

/// Runs from its construction.
class Stopwatch {
 public:
  [[nodiscard]] double ns() const {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_)
        .count();
  }
  /// Reports nanoseconds per operation.
  void report_per(std::string_view name, double operations) const {
    report(name, ns() / operations, "ns");
  }
  void report_ms(std::string_view name) const { report(name, ns() / 1e6, "ms"); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace gorun::bench
