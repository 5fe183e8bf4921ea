#include "jobs/cycles.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

namespace gorun::jobs::cycles_test {

namespace {

using Cycles = std::vector<std::vector<std::size_t>>;

}  // namespace

TEST_SUITE("jobs/cycles") {
  TEST_CASE("a graph without cycles has none") {
    CHECK(find_cycles({}) == Cycles{});
    CHECK(find_cycles({{}}) == Cycles{});
    CHECK(find_cycles({{1, 2}, {3}, {3}, {}}) == Cycles{});
  }

  TEST_CASE("each component gives its shortest way round from its lowest node") {
    CHECK(find_cycles({{0}}) == Cycles{{0}});
    CHECK(find_cycles({{1}, {2}, {0}}) == Cycles{{0, 1, 2}});
    CHECK(find_cycles({{2}, {0}, {1}}) == Cycles{{0, 2, 1}});
    // A long and a short way round.
    CHECK(find_cycles({{1, 3}, {2}, {3}, {0}}) == Cycles{{0, 3}});
    // Two components, one behind the other, and a tail.
    CHECK(find_cycles({{1}, {0, 2}, {3}, {4}, {2}, {0}}) == Cycles{{0, 1}, {2, 3, 4}});
  }

  TEST_CASE("a ring of a million nodes does not overflow the stack") {
    constexpr std::size_t kNodes = 1'000'000;
    Successors ring(kNodes);
    for (std::size_t i = 0; i < kNodes; ++i) ring[i] = {(i + 1) % kNodes};
    const Cycles cycles = find_cycles(ring);
    REQUIRE(cycles.size() == 1);
    CHECK(cycles[0].size() == kNodes);
    ring.back().clear();
    CHECK(find_cycles(ring).empty());
  }
}

}  // namespace gorun::jobs::cycles_test
