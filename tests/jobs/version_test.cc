// tests/jobs/version_test.cc - the version is one that tools can compare.

#include "jobs/version.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace gorun::test::version_test {

TEST_SUITE_BEGIN("jobs/version");

TEST_CASE("is three numbers with two dots") {
  const auto version = gorun::jobs::kVersion;
  CHECK(std::count(version.begin(), version.end(), '.') == 2);
  CHECK(version.find_first_not_of("0123456789.") == version.npos);
}

TEST_SUITE_END();

}  // namespace gorun::test::version_test
