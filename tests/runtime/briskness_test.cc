// tests/runtime/briskness_test.cc - when a P counts as brisk. The policy is told of times.

#include "runtime/sched/briskness.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>

namespace gorun::test::briskness_test {

namespace {

using gorun::runtime::Briskness;

// A P that looks at the network again and again.
struct Rounds {
  // One in which it took `turns` turns of `turn_ns` each; then it found `found`.
  void round(std::uint32_t turns, std::int64_t turn_ns, std::size_t found) {
    tick += turns;
    now += turns * turn_ns;
    briskness.looked(now, tick, found);
  }
  void make_brisk() {
    for (int i = 0; i < 100; ++i) round(64, 5'000, 64);
  }

  Briskness briskness;
  std::uint32_t tick = 4'294'967'000;  // which overflows
  std::int64_t now = 1'000'000'000;
};

}  // namespace

TEST_SUITE_BEGIN("runtime/briskness");

TEST_CASE("it takes many rounds in a row to be brisk, and one to be it no more") {
  Rounds p;
  CHECK_FALSE(p.briskness);
  p.round(64, 5'000, 64);
  CHECK_FALSE(p.briskness);
  p.make_brisk();
  CHECK(p.briskness);
  p.round(64, 50'000, 64);
  CHECK_FALSE(p.briskness);
  p.round(64, 5'000, 64);
  CHECK_FALSE(p.briskness);
}

TEST_CASE("long turns, turns of others than it found, and few or none found are not brisk") {
  const auto ends = [](std::uint32_t turns, std::int64_t turn_ns, std::size_t found) {
    Rounds p;
    p.make_brisk();
    p.round(turns, turn_ns, found);
    return !p.briskness;
  };
  CHECK_FALSE(ends(64, 20'000, 64));
  CHECK(ends(64, 20'001, 64));
  CHECK(ends(1, 5'000'000, 64));
  CHECK_FALSE(ends(4 * 64, 5'000, 64));
  CHECK(ends(4 * 64 + 1, 5'000, 64));
  CHECK_FALSE(ends(8, 5'000, 8));
  CHECK(ends(8, 5'000, 7));
  CHECK(ends(64, 5'000, 0));
}

TEST_SUITE_END();

}  // namespace gorun::test::briskness_test
