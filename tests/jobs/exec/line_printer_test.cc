// tests/jobs/exec/line_printer_test.cc - the prefix of a line. What is printed:
// cli/exec_output_test.

#include "jobs/exec/line_printer.h"

#include <doctest/doctest.h>

#include <string>

namespace gorun::test::line_printer_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/exec/line_printer");

TEST_CASE("a prefix names stage and item, and drives no terminal") {
  CHECK(line_prefix("build", "") == "[build] ");
  CHECK(line_prefix("build", "a b") == "[build a b] ");
  CHECK(line_prefix("build", "\x1b[2J") == "[build \"\\x1b[2J\"] ");
  CHECK(line_prefix("build", "a\nb") == "[build \"a\\nb\"] ");
  CHECK(line_prefix("b", std::string(100, 'x') + "end") ==
        "[b ..." + std::string(54, 'x') + "end] ");
}

TEST_SUITE_END();

}  // namespace gorun::test::line_printer_test
