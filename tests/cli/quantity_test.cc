// tests/cli/quantity_test.cc - counts, sizes and times as people read them.

#include "cli/quantity.h"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>

namespace gorun::test::quantity_test {

using gorun::cli::format_bytes;
using gorun::cli::format_count;
using gorun::cli::format_duration;
using gorun::cli::format_percent;

TEST_SUITE_BEGIN("cli/quantity");

TEST_CASE("counts are grouped by thousands") {
  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(1000) == "1,000");
  CHECK(format_count(1234567) == "1,234,567");
  CHECK(format_count(std::numeric_limits<std::uint64_t>::max()) == "18,446,744,073,709,551,615");
}

TEST_CASE("one of a thing has no s") {
  CHECK(format_count(0, "item") == "0 items");
  CHECK(format_count(1, "item") == "1 item");
  CHECK(format_count(2, "item") == "2 items");
}

TEST_CASE("what is not quite full is not 100 %") {
  CHECK(format_percent(0) == "0 %");
  CHECK(format_percent(0.786) == "78 %");
  CHECK(format_percent(0.9999) == "99 %");
  CHECK(format_percent(1) == "100 %");
}

TEST_CASE("sizes have three digits and never show 1024 of a unit") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1024) == "1.00 KiB");
  CHECK(format_bytes(1536) == "1.50 KiB");
  CHECK(format_bytes(10 * 1024) == "10.0 KiB");
  CHECK(format_bytes(1024 * 1024 - 1) == "1.00 MiB");
  CHECK(format_bytes(std::uint64_t{123} << 20U) == "123 MiB");
  CHECK(format_bytes(std::numeric_limits<std::uint64_t>::max()) == "16.0 EiB");
}

TEST_CASE("times choose the unit that a person would") {
  using namespace std::chrono_literals;
  CHECK(format_duration(-1s) == "0.00 ms");
  CHECK(format_duration(820us) == "0.82 ms");
  CHECK(format_duration(45ms) == "45 ms");
  CHECK(format_duration(999600us) == "1.00 s");
  CHECK(format_duration(1234ms) == "1.23 s");
  CHECK(format_duration(59949ms) == "59.9 s");
  CHECK(format_duration(60s) == "1 min 00 s");
  CHECK(format_duration(123s) == "2 min 03 s");
  CHECK(format_duration(3600s) == "1 h 00 min");
  CHECK(format_duration(3725s) == "1 h 02 min");
}

TEST_SUITE_END();

}  // namespace gorun::test::quantity_test
