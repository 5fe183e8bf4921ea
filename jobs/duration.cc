#include "jobs/duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <system_error>

namespace gorun::jobs {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

// The larger first, as they follow each other in a text.
constexpr std::array<Unit, 7> kUnits = {{{"d", kDay},
                                         {"h", 3600 * kSecond},
                                         {"m", 60 * kSecond},
                                         {"s", kSecond},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1}}};

std::optional<std::chrono::nanoseconds> of_nanoseconds(double count) {
  constexpr auto kLongest = static_cast<double>(kLongestSeconds * kSecond);
  if (!(count >= 0 && count <= kLongest)) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(count));
}

// `value` with at most three decimals, without zeros at the end.
std::string number_text(double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.3f", value);
  std::string number = text.data();
  number.erase(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) number.pop_back();
  return number;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double total = 0;
  std::size_t next = 0;  // the first unit that may follow
  while (!text.empty()) {
    // Digits alone begin a number: from_chars() would take "inf" and "1e9" as well.
    const std::size_t digits = text.find_first_not_of("0123456789.");
    double value = 0;
    const std::string_view number = text.substr(0, digits);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value,
                                              std::chars_format::fixed);
    if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
    text.remove_prefix(number.size());
    const std::string_view unit = text.substr(0, text.find_first_of("0123456789."));
    text.remove_prefix(unit.size());
    std::size_t at = next;
    if (unit.empty()) {
      if (next != 0) return std::nullopt;  // "1m30"
      at = 3;
    }
    while (at < kUnits.size() && !unit.empty() && kUnits[at].name != unit) ++at;
    if (at == kUnits.size()) return std::nullopt;
    total += value * static_cast<double>(kUnits[at].nanoseconds);
    next = at + 1;
  }
  return of_nanoseconds(total);
}

std::optional<std::chrono::nanoseconds> duration_of_seconds(double seconds) {
  return of_nanoseconds(seconds * static_cast<double>(kSecond));
}

std::string duration_text(std::chrono::nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count < 1'000'000) return number_text(static_cast<double>(count) / 1'000) + " us";
  if (count < kSecond) return number_text(static_cast<double>(count) / 1'000'000) + " ms";
  if (count < 60 * kSecond) return number_text(static_cast<double>(count) / kSecond) + " s";
  const std::int64_t seconds = count / kSecond;
  std::string text;
  const auto add = [&text](std::int64_t number, std::string_view unit) {
    if (number == 0) return;
    text += (text.empty() ? "" : " ") + std::to_string(number) + " " + std::string(unit);
  };
  add(seconds / 3600, "h");
  add(seconds / 60 % 60, "min");
  add(seconds % 60, "s");
  return text;
}

}  // namespace gorun::jobs
