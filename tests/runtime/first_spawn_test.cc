// tests/runtime/first_spawn_test.cc - the first G of a spawn queue: when it wakes a thief.
//
// The policy is told of times and reads no clock, so most of it is tested by made-up ones.

#include "runtime/sched/first_spawn.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"

namespace gorun::test::first_spawn_test {

namespace {

using namespace gorun::runtime;
using Found = FirstSpawn::Found;

constexpr std::int64_t kLong = FirstSpawn::kWorthNs;
constexpr std::int64_t kShort = FirstSpawn::kWorthNs - 1;

// A P whose every spawn is a first one.
class Script {
 public:
  // One G, which its P comes to after `wait_ns`, and is back from `run_ns` later. returns whether
  // it wakes a thief.
  bool spawn(std::int64_t wait_ns, Found found, std::int64_t run_ns = 0) {
    ++count_;
    if (!policy.is_due(count_)) return false;
    timed.push_back(count_);
    const bool wakes = policy.is_waking();
    policy.spawned(count_, static_cast<std::uint32_t>(count_), wakes, now_);
    now_ += wait_ns;
    if (policy.picked(found, now_)) {
      now_ += run_ns;
      policy.picked(Found::kStolen, now_);  // its own is gone from the queue by then
    }
    return wakes;
  }
  // One that would pay.
  bool spawn_long() { return spawn(kLong, Found::kNext, kLong); }
  // Pairs of spawn and join.
  void spawn_short(int times) {
    for (int i = 0; i < times; ++i) spawn(100, Found::kNext, 100);
  }

  FirstSpawn policy;
  std::vector<std::uint64_t> timed;  // which of the spawns

 private:
  std::uint64_t count_ = 0;
  std::int64_t now_ = 1'000'000;
};

// Of the caller's P.
bool is_waking() {
  const RtSection rt;
  return current_m()->p->first_spawn.is_waking();
}

void compute() {
  const Nanos end = now() + Nanos(FirstSpawn::kWorthNs);
  while (now() < end) {
  }
}

void fork_and_join() {
  WaitGroup child;
  child.go(compute);
  compute();
  child.wait();
}

// So that nobody steals who was not woken.
void wait_until_others_idle() {
  yield_until("the other Ps idle",
              [] { return sched->spinning == 0 && sched->idle_ps == procs() - 1; });
}

// Until the caller's P wakes a thief for a first spawn.
void learn() {
  yield_until("a P wakes a thief for a first spawn", [] {
    wait_until_others_idle();
    fork_and_join();
    return is_waking();
  });
}

}  // namespace

TEST_SUITE_BEGIN("runtime/first_spawn");

TEST_CASE("a P begins to wake with the first spawn that waited long and ran long") {
  Script p;
  CHECK_FALSE(p.spawn_long());
  CHECK(p.policy.is_waking());
  CHECK(p.spawn(kLong, Found::kStolen));
  CHECK(p.policy.is_waking());
}

TEST_CASE("a spawn that is short in one way or the other begins nothing, nor does a stolen one") {
  const auto begins = [](std::int64_t wait_ns, Found found, std::int64_t run_ns) {
    Script p;
    for (int i = 0; i < 1'000 && !p.policy.is_waking(); ++i) p.spawn(wait_ns, found, run_ns);
    return p.policy.is_waking();
  };
  CHECK_FALSE(begins(kShort, Found::kNext, kLong));
  CHECK_FALSE(begins(kLong, Found::kNext, kShort));
  CHECK_FALSE(begins(kLong, Found::kBehind, kLong));
  CHECK_FALSE(begins(kLong, Found::kStolen, kLong));
  CHECK_FALSE(begins(kLong, Found::kStolenInVain, kLong));
  CHECK(begins(kLong, Found::kNext, kLong));
}

TEST_CASE("what is short is timed ever more rarely") {
  Script p;
  p.spawn_short(500);
  CHECK(p.timed == std::vector<std::uint64_t>{1, 4, 11, 26, 57, 120, 247, 374});
}

TEST_CASE("of two kinds of spawns in turn the one that pays is met") {
  for (const bool first_is_long : {false, true}) {
    CAPTURE(first_is_long);
    Script p;
    p.spawn_short(1'000);  // the longest period
    int spawns = 0;
    for (bool is_long = first_is_long; !p.policy.is_waking() && spawns < 1'000; ++spawns) {
      is_long ? (void)p.spawn_long() : p.spawn_short(1);
      is_long = !is_long;
    }
    CHECK(spawns <= static_cast<int>(2 * FirstSpawn::kLongestPeriod));
  }
}

TEST_CASE("a P that wakes in vain soon stops, and begins again only with another that pays") {
  using Way = void (*)(Script & p);
  constexpr Way kInVain[] = {
      [](Script& p) { (void)p.spawn(100, Found::kNext); },            // its spawner parks at once
      [](Script& p) { (void)p.spawn(100, Found::kStolen); },          // the same
      [](Script& p) { (void)p.spawn(kLong, Found::kStolenInVain); },  // it ends at once
      [](Script& p) { (void)p.spawn(kLong, Found::kNext); },          // no thief comes in time
      [](Script& p) { (void)p.spawn(kLong, Found::kBehind); },        // the same
  };
  for (const Way in_vain : kInVain) {
    Script p;
    p.spawn_long();
    for (int i = 0; i < 100; ++i) p.spawn(kLong, Found::kStolen);  // however long it paid
    int wakes = 0;
    for (; p.policy.is_waking() && wakes < 100; ++wakes) in_vain(p);
    CHECK(wakes <= 4);
    const std::uint64_t last = p.timed.back();
    for (int i = 0; i < 1'000 && !p.policy.is_waking(); ++i) p.spawn_long();
    CHECK(p.policy.is_waking());
    CHECK(p.timed.back() - last == FirstSpawn::kLongestPeriod);
  }
}

TEST_CASE("a P goes on waking while every other spawn pays") {
  Script p;
  p.spawn_long();
  for (int i = 0; i < 1'000; ++i) {
    p.spawn(100, Found::kNext);
    p.spawn(kLong, Found::kStolen);
  }
  CHECK(p.policy.is_waking());
}

TEST_CASE("where nobody may be woken a P that wakes learns nothing of what waits") {
  FirstSpawn policy;
  policy.spawned(1, 0, false, 0);
  CHECK(policy.picked(Found::kNext, kLong));
  policy.picked(Found::kStolen, 2 * kLong);
  REQUIRE(policy.is_waking());
  for (std::uint64_t count = 2; count < 100; ++count) {
    CHECK(policy.is_due(count));
    policy.spawned(count, 0, false, 0);
    CHECK_FALSE(policy.picked(Found::kNext, kLong));
  }
  CHECK(policy.is_waking());
}

TEST_CASE("a spawn that cannot be timed leaves it to one soon after") {
  FirstSpawn policy;
  CHECK(policy.is_due(1));
  policy.put_off(1);
  std::uint64_t next = 2;
  while (!policy.is_due(next)) ++next;
  CHECK(next > 2);
  CHECK(next < 10);
  CHECK_FALSE(policy.is_timing());
}

TEST_CASE("a goroutine that computes beside its only child comes to wake a thief for it") {
  at_each_procs([](Runtime& rt) {
    bool learned = false;
    bool woke = false;
    run_to_end(rt, [&] {
      if (rt.procs() == 1) {
        for (int i = 0; i < 20; ++i) fork_and_join();
        learned = is_waking();
        return;
      }
      for (int i = 0; i < 100 && !woke; ++i) {  // thieves may have come to rest
        learn();
        learned = true;
        wait_until_others_idle();
        std::atomic<bool> is_over{false};
        WaitGroup child;
        const int idle = sched->idle_ps;
        child.go([&] {
          while (!is_over) {
          }
        });
        // Whoever was woken has a P by now, and keeps it until the child ends.
        woke = sched->idle_ps < idle;
        is_over = true;
        child.wait();
      }
    });
    CHECK(learned == (rt.procs() > 1));
    CHECK(woke == (rt.procs() > 1));
  });
}

TEST_CASE("it stops where children are joined at once, and where they are over at once") {
  for (const bool joins_at_once : {true, false}) {
    CAPTURE(joins_at_once);
    at_each_procs([joins_at_once](Runtime& rt) {
      bool stopped = false;
      run_to_end(rt, [&] {
        if (rt.procs() > 1) learn();
        yield_until("no thief is woken", [&] {
          std::atomic<bool> ran{false};
          WaitGroup child;
          child.go([&] { ran = true; });
          if (!joins_at_once) {
            if (is_waking()) {
              while (!ran) {
              }
            }
            compute();
          }
          child.wait();
          return !is_waking();
        });
        stopped = true;
      });
      CHECK(stopped);
    });
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::first_spawn_test
