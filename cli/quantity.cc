// cli/quantity.cc - counts, sizes, times and rates as people read them.

#include "cli/quantity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>

namespace gorun::cli {
namespace {

// `value` in [0, 1000) or so with three significant digits.
std::string three_digits(double value) {
  // The limits are where rounding would add a digit: 9.996 is "10.0", not "10.00".
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string two_digits(std::int64_t value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

}  // namespace

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t left = text.size(); left > 3;) {
    left -= 3;
    text.insert(left, 1, ',');
  }
  return text;
}

std::string format_count(std::uint64_t count, std::string_view noun) {
  return format_count(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

// Rounded down: what is not quite full is not "100 %".
std::string format_percent(double share) {
  return std::to_string(static_cast<int>(share * 100)) + " %";
}

std::string format_bytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.5 KiB would be shown as "1024 KiB".
  while (value >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return three_digits(value) + " " + kUnits[unit];
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const double seconds = std::max(0.0, std::chrono::duration<double>(duration).count());
  if (seconds < 0.00995) return three_digits(seconds * 1000) + " ms";
  if (seconds < 0.9995) return std::to_string(std::llround(seconds * 1000)) + " ms";
  if (seconds < 59.95) return three_digits(seconds) + " s";
  const std::int64_t whole = std::llround(seconds);
  if (whole < 3600) {
    return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  }
  return std::to_string(whole / 3600) + " h " + two_digits(whole / 60 % 60) + " min";
}

}  // namespace gorun::cli
