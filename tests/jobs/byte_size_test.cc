#include "jobs/byte_size.h"

#include <doctest/doctest.h>

#include <optional>
#include <string_view>

namespace gorun::jobs {

TEST_SUITE("jobs/byte_size") {
  TEST_CASE("sizes are read as GNU's tools read them") {
    struct Row {
      std::string_view text;
      std::optional<std::int64_t> bytes;
    };
    const Row rows[] = {
        {"0", 0},
        {"4096", 4096},
        {"10B", 10},
        {"64K", 65536},
        {"64KiB", 65536},
        {"1 MiB", 1048576},
        {"2G", std::int64_t{2} << 30},
        {"1T", std::int64_t{1} << 40},
        {"1kB", 1000},
        {"1KB", 1000},
        {"10MB", 10'000'000},
        {"9223372036854775807", INT64_MAX},
        {"", std::nullopt},
        {"K", std::nullopt},
        {"-1", std::nullopt},
        {"-0", std::nullopt},
        {"+1", std::nullopt},
        {" 1", std::nullopt},
        {"1 ", std::nullopt},
        {"1.5K", std::nullopt},
        {"1X", std::nullopt},
        {"1Kib", std::nullopt},
        {"1kiB", std::nullopt},
        {"9223372036854775808", std::nullopt},
        {"8388608T", std::nullopt},  // 2^63
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      CHECK(parse_byte_size(row.text) == row.bytes);
    }
  }
}

}  // namespace gorun::jobs
