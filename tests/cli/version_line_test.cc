// tests/cli/version_line_test.cc - the built command tells its version.

#include "cli/version_line.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <string>

namespace gorun::test::version_line_test {

TEST_SUITE_BEGIN("cli/version_line");

TEST_CASE("the command prints it") {
  FILE* pipe = popen(GORUN_BINARY " --version", "re");
  REQUIRE(pipe != nullptr);
  std::array<char, 128> line{};
  CHECK(std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr);
  CHECK(pclose(pipe) == 0);
  CHECK(std::string(line.data()) == gorun::cli::version_line() + "\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::version_line_test
