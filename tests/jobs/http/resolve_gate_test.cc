#include "jobs/http/resolve_gate.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace gorun::jobs::resolve_gate_test {

namespace {

using Gate = ResolveGate<int>;
using Entry = Gate::Entry;
constexpr std::chrono::seconds kSecond{1};

}  // namespace

TEST_SUITE("jobs/http/resolve_gate") {
  TEST_CASE("one of a host goes first, and an address lets the others go") {
    Gate gate;
    CHECK(gate.enter("a", 1, kSecond) == Entry::kFirst);
    CHECK(gate.enter("a", 2, kSecond) == Entry::kWaits);
    CHECK(gate.enter("a", 3, kSecond) == Entry::kWaits);
    CHECK(gate.enter("b", 4, kSecond) == Entry::kFirst);
    const auto released = gate.resolved("a", kSecond);
    CHECK(released.known == std::vector<int>{2, 3});
    CHECK(released.first.empty());
    CHECK(gate.enter("a", 5, 2 * kSecond) == Entry::kKnown);
  }

  TEST_CASE("what is known is asked again in time") {
    Gate gate;
    CHECK(gate.enter("a", 1, kSecond) == Entry::kFirst);
    static_cast<void>(gate.resolved("a", kSecond));
    CHECK(gate.enter("a", 2, Gate::kKnownFor) == Entry::kKnown);
    CHECK(gate.enter("a", 3, Gate::kKnownFor + kSecond) == Entry::kFirst);
  }

  TEST_CASE("who waits for a host shares its failure, and not its first one's end") {
    Gate gate;
    for (const char* host : {"dead", "left"}) {
      CHECK(gate.enter(host, 1, kSecond) == Entry::kFirst);
      CHECK(gate.enter(host, 2, kSecond) == Entry::kWaits);
      CHECK(gate.enter(host, 3, kSecond) == Entry::kWaits);
    }
    const auto failed = gate.failed("dead");
    CHECK(failed.share == std::vector<int>{2, 3});
    CHECK(failed.first.empty());
    const auto left = gate.left("left");
    CHECK(left.share.empty());
    CHECK(left.first == std::vector<int>{2});
    CHECK(gate.resolved("left", kSecond).known == std::vector<int>{3});
  }

  TEST_CASE("few hosts are asked for at a time, the others in line") {
    Gate gate;
    constexpr int kMost = static_cast<int>(Gate::kMostAtOnce);
    for (int i = 0; i < kMost; ++i) {
      CHECK(gate.enter("h" + std::to_string(i), i, kSecond) == Entry::kFirst);
    }
    CHECK(gate.enter("x", 100, kSecond) == Entry::kWaits);
    CHECK(gate.enter("y", 101, kSecond) == Entry::kWaits);
    CHECK(gate.enter("x", 102, kSecond) == Entry::kWaits);
    gate.remove("y", 101);
    CHECK(gate.resolved("h0", kSecond).first == std::vector<int>{100});
    CHECK(gate.resolved("h1", kSecond).first.empty());  // "y" has gone
    CHECK(gate.resolved("x", kSecond).known == std::vector<int>{102});
  }
}

}  // namespace gorun::jobs::resolve_gate_test
