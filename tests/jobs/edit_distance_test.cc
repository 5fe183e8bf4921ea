#include "jobs/edit_distance.h"

#include <doctest/doctest.h>

#include <array>
#include <string_view>

namespace gorun::jobs::edit_distance_test {

TEST_SUITE("jobs/edit_distance") {
  TEST_CASE("a distance counts insertions, deletions, replacements and swaps") {
    struct Row {
      std::string_view a;
      std::string_view b;
      std::size_t distance;
    };
    const Row rows[] = {
        {"", "", 0},          {"abc", "abc", 0},     {"abc", "abd", 1}, {"abc", "ab", 1},
        {"abc", "xabc", 1},   {"abcd", "abdc", 1},   {"ab", "ba", 1},   {"kitten", "sitting", 3},
        {"splt", "split", 1}, {"cuont", "count", 1}, {"ca", "abc", 3},
    };
    for (const Row& row : rows) {
      CAPTURE(row.a);
      CAPTURE(row.b);
      CHECK(edit_distance(row.a, row.b, 10) == row.distance);
      CHECK(edit_distance(row.b, row.a, 10) == row.distance);
      for (std::size_t limit = 0; limit < row.distance; ++limit) {
        CHECK(edit_distance(row.a, row.b, limit) == limit + 1);
      }
    }
  }

  TEST_CASE("a suggestion is near, the nearest, and the first of equals") {
    const std::array<std::string_view, 6> names = {"walk", "glob", "lines", "exec", "take", "talk"};
    CHECK(closest("wlak", names) == "walk");
    CHECK(closest("WALK", names) == "walk");
    CHECK(closest("line", names) == "lines");
    CHECK(closest("tale", names) == "take");
    CHECK(closest("balk", names) == "walk");
    CHECK_FALSE(closest("teleport", names));
    CHECK_FALSE(closest("x", names));
    CHECK_FALSE(closest("", names));
    CHECK(did_you_mean("exce", names) == "did you mean \"exec\"?");
    CHECK(did_you_mean("zzz", names).empty());
  }
}

}  // namespace gorun::jobs::edit_distance_test
