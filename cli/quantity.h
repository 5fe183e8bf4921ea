// cli/quantity.h - counts, sizes, times and rates as people read them.
//
// Three significant digits are enough for a person and keep a line from jumping: 1.23 s, 45.6 MiB,
// 7,890. Counts are exact, because people compare them with other tools. Independent of the locale,
// so that logs of different machines can be compared.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace gorun::cli {

/// 1234567 -> "1,234,567".
[[nodiscard]] std::string format_count(std::uint64_t count);

/// format_count and the noun, with an s unless it is one: "1 item", "2 items".
[[nodiscard]] std::string format_count(std::uint64_t count, std::string_view noun);

/// A share of a whole: 0.786 -> "78 %".
[[nodiscard]] std::string format_percent(double share);

/// Binary units: 512 -> "512 B", 1536 -> "1.50 KiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

/// "0.8 ms", "45 ms", "1.23 s", "2 min 03 s", "1 h 02 min"; negative times count as zero.
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace gorun::cli
