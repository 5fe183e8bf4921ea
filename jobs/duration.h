// jobs/duration.h - lengths of time as people type and read them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// Reads "5s", "1.5s", "250ms", "1m30s", "2h", "1d": numbers with units, one after the other, the
/// larger first; "5" is five seconds. Units: d, h, m, s, ms, us, ns. Nothing if it is none of that
/// or is longer than 10,000 days.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// "5 s", "1.5 s", "250 ms", "1 min 30 s", "2 h": to three digits below a minute, and to whole
/// seconds above.
[[nodiscard]] std::string duration_text(std::chrono::nanoseconds duration);

}  // namespace gorun::jobs
