// tests/jobs/exec/last_lines_test.cc - the end of what a command has said.

#include "jobs/exec/last_lines.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace gorun::test::last_lines_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/exec/last_lines");

TEST_CASE("ten lines, with or without an end, or what is left of long ones") {
  CHECK(last_lines("").empty());
  CHECK(last_lines("a") == "a");
  CHECK(last_lines("a\nb\n") == "a\nb\n");
  CHECK(last_lines("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n") == "2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n");
  CHECK(last_lines("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10") == "1\n2\n3\n4\n5\n6\n7\n8\n9\n10");
  CHECK(last_lines("\n\n\n\n\n\n\n\n\n\n\n\n") == "\n\n\n\n\n\n\n\n\n\n");
  CHECK(last_lines("a\n" + std::string(kTailBytes, 'x')) == std::string(kTailBytes, 'x'));
}

TEST_CASE("what streams by has the same last lines, however it comes") {
  std::string all;
  for (int i = 0; i < 2'000; ++i) {
    all += std::to_string(i) + std::string(i % 7 == 0 ? 300 : 3, 'x') + "\n";
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, kTailBytes, all.size()}) {
    CAPTURE(piece);
    OutputTail tail;
    bool is_same = true;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      tail.add(std::string_view(all).substr(at, piece));
      const std::size_t end = std::min(all.size(), at + piece);
      is_same = is_same && tail.last_lines() == last_lines(std::string_view(all).substr(0, end));
    }
    CHECK(is_same);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::last_lines_test
