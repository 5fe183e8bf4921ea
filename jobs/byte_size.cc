#include "jobs/byte_size.h"

#include <array>
#include <charconv>
#include <limits>
#include <system_error>

namespace gorun::jobs {
namespace {

// 0: not a unit.
std::int64_t bytes_of_unit(std::string_view unit) {
  if (unit.empty() || unit == "B") return 1;
  std::int64_t base = 1024;
  const std::string_view prefix = unit.substr(0, 1);
  const std::string_view rest = unit.substr(1);
  if (rest == "B") {
    base = 1000;
  } else if (!rest.empty() && rest != "iB") {
    return 0;
  }
  static constexpr std::string_view kPrefixes = "KMGT";
  const bool kilo = prefix == "k" && rest != "iB";
  const std::size_t power = kilo ? 0 : kPrefixes.find(prefix.front());
  if (power == std::string_view::npos) return 0;
  std::int64_t bytes = base;
  for (std::size_t i = 0; i < power; ++i) bytes *= base;
  return bytes;
}

}  // namespace

std::optional<std::int64_t> parse_byte_size(std::string_view text) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || count < 0 || text.front() == '-') return std::nullopt;
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit.size() > 1 && unit.front() == ' ') unit.remove_prefix(1);
  const std::int64_t bytes = bytes_of_unit(unit);
  if (bytes == 0 || count > std::numeric_limits<std::int64_t>::max() / bytes) return std::nullopt;
  return count * bytes;
}

std::string byte_size_text(std::int64_t bytes) {
  static constexpr std::array<std::string_view, 5> kUnits = {"", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + std::string(kUnits[unit]);
}

}  // namespace gorun::jobs
