// jobs/duration.h - lengths of time as people type and read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// Nothing is longer: 10,000 days.
inline constexpr std::int64_t kLongestSeconds = std::int64_t{10'000} * 86'400;

/// Reads "5s", "1.5s", "250ms", "1m30s", "2h", "1d": numbers with units, one after the other, the
/// larger first; "5" is five seconds. Units: d, h, m, s, ms, us, ns. Nothing if it is none of that
/// or is too long.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// Nothing if it is below zero or too long.
[[nodiscard]] std::optional<std::chrono::nanoseconds> duration_of_seconds(double seconds);

/// "5 s", "1.5 s", "250 ms", "1 min 30 s", "2 h": to three digits below a minute, and to whole
/// seconds above.
[[nodiscard]] std::string duration_text(std::chrono::nanoseconds duration);

}  // namespace gorun::jobs
