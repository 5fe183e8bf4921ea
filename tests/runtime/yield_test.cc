// tests/runtime/yield_test.cc - a yield with nobody of its own P to yield to.

#include <doctest/doctest.h>

#include <atomic>

#include "runtime/chan.h"
#include "runtime/os_thread.h"
#include "runtime/runtime.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"

namespace gorun::test::yield_test {

namespace {

using namespace gorun::runtime;

constexpr int kNoP = -1;

// Of the caller's P.
int own_p() {
  const RtSection rt;
  return current_m()->p->id;
}

// A goroutine keeps its P, in user code, until one that it has spawned ran, while the caller yields
// on another P. returns whether it was the caller's P that ran it, and not a further M that sysmon
// had given the first P to.
bool yield_beside_a_busy_spawner() {
  std::atomic<int> spawner_p{kNoP};
  std::atomic<bool> is_elsewhere{false};
  std::atomic<int> child_p{kNoP};
  WaitGroup both;
  both.go([&] {
    // Again and again: sysmon may take its P, and give it to the caller's M.
    while (!is_elsewhere) spawner_p = own_p();
    both.go([&] { child_p = own_p(); });
    while (child_p == kNoP) {
    }
  });
  int yielders_p = kNoP;
  while (child_p == kNoP) {
    yield();
    yielders_p = own_p();
    if (spawner_p != kNoP && spawner_p != yielders_p) is_elsewhere = true;
  }
  both.wait();
  return child_p == yielders_p;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/yield");

// A P that runs nothing but a goroutine that yields is never idle, so no thief works for it.
TEST_CASE("a goroutine that yields lets run what another P has no turn for") {
  Runtime rt({.procs = 2});
  run_to_end(rt, [] {
    yield_until("the yielder's P has run a goroutine of the other", yield_beside_a_busy_spawner);
  });
}

TEST_CASE("a goroutine that yields until all others have parked") {
  static constexpr int kGoroutines = 5'000;
  at_each_procs([](Runtime& rt) {
    std::atomic<int> woken = 0;
    run_to_end(rt, [&] {
      Chan<Unit> gate(0);
      WaitGroup all;
      for (int i = 0; i < kGoroutines; ++i) {
        all.go([&] { woken += gate.recv().status == ChanStatus::kClosed; });
      }
      wait_until_parked(rt, WaitReason::kChanRecv, kGoroutines);
      gate.close();
      all.wait();
    });
    CHECK(woken == kGoroutines);
  });
}

// Whoever finds a locked goroutine at the head of the global queue hands its P on, and is on
// another one when it comes back.
TEST_CASE("goroutines that yield while others are locked to their threads") {
  static constexpr int kMessages = 2'000;
  at_each_procs([](Runtime& rt) {
    int received = 0;
    run_to_end(rt, [&] {
      Chan<int> there(0);
      std::atomic<bool> is_over{false};
      WaitGroup all;
      all.go([&] {
        lock_os_thread();
        for (int i = 0; i < kMessages; ++i) received += *there.recv();
        unlock_os_thread();
        is_over = true;
      });
      all.go([&] {
        lock_os_thread();
        for (int i = 0; i < kMessages; ++i) (void)there.send(1);
        unlock_os_thread();
      });
      for (int i = 0; i < 3; ++i) {
        all.go([&] {
          while (!is_over) yield();
        });
      }
      all.wait();
    });
    CHECK(received == kMessages);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::yield_test
