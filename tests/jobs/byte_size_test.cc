#include "jobs/byte_size.h"

#include <doctest/doctest.h>

#include <optional>
#include <string_view>

namespace gorun::jobs::byte_size_test {

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

  TEST_CASE("a size is typed in the largest unit that is exact") {
    CHECK(byte_size_text(0) == "0");
    CHECK(byte_size_text(1000) == "1000");
    CHECK(byte_size_text(1024) == "1KiB");
    CHECK(byte_size_text(1088 * 1024) == "1088KiB");
    CHECK(byte_size_text(std::int64_t{1} << 50) == "1024TiB");
    for (const std::int64_t bytes : {1L, 4095L, 4096L, 3L << 40, (3L << 40) + 1}) {
      CHECK(parse_byte_size(byte_size_text(bytes)) == bytes);
    }
  }
}

}  // namespace gorun::jobs::byte_size_test
