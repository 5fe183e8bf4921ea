// tests/runtime/population_test.cc - very many goroutines alive at once.

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::population_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

// Parks `n` goroutines on one channel and wakes them all by closing it.
int park_and_close(const Runtime& rt, int n) {
  Chan<Unit> gate(0);
  WaitGroup all;
  std::atomic<int> started{0};
  std::atomic<int> woken{0};
  for (int i = 0; i < n; ++i) {
    all.go([&] {
      ++started;
      woken += gate.recv().status == ChanStatus::kClosed;
    });
  }
  // First what is cheap to look at: wait_until_parked() asks every goroutine each time.
  yield_until("all have started", [&] { return started == n; });
  wait_until_parked(rt, WaitReason::kChanRecv, static_cast<std::size_t>(n));
  gate.close();
  all.wait();
  return woken;
}

// How many pages of memory the process has touched first.
long pages_touched() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_minflt;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/population");

TEST_CASE("100,000 parked goroutines all wake") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled_goroutines(100'000);
    int woken = 0;
    run_to_end(rt, [&] { woken = park_and_close(rt, n); });
    CHECK(woken == n);
  });
}

TEST_CASE("100,000 parked goroutines wake one by one, in the order they parked in") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled_goroutines(100'000);
    std::int64_t sum = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      Chan<int> echo(64);
      for (int i = 0; i < n; ++i) {
        go([ch, echo]() mutable { (void)echo.send(*ch.recv()); });
      }
      wait_until_parked(rt, WaitReason::kChanRecv, static_cast<std::size_t>(n));
      go([ch, n]() mutable {
        for (int i = 0; i < n; ++i) (void)ch.send(i);
      });
      for (int i = 0; i < n; ++i) sum += *echo.recv();
    });
    CHECK(sum == std::int64_t{n} * (n - 1) / 2);
  });
}

TEST_CASE("goroutines that come and go by the hundred thousand do not use up the stacks") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(100, 5);
    std::atomic<int> ran{0};
    run_to_end(rt, [&] {
      for (int round = 0; round < rounds; ++round) {
        WaitGroup all;
        for (int i = 0; i < 1'000; ++i) {
          all.go([&] {
            if (ran++ % 2 == 0) yield();
          });
        }
        all.wait();
      }
    });
    CHECK(ran == rounds * 1'000);
  });
}

TEST_CASE("a spawner that never yields may run far ahead of its goroutines") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled_goroutines(200'000);
    std::atomic<int> ran{0};
    long pages = 0;
    run_to_end(rt, [&] {
      const long before = pages_touched();
      for (int i = 0; i < n; ++i) go([&] { ++ran; });
      pages = pages_touched() - before;
    });
    CHECK(ran == n);
    // One that never ran has no stack: sixteen or so share a page, and their places in the queue.
    if (kScale == 1) CHECK(pages < n / 4);
  });
}

TEST_CASE("100,000 sleepers wake") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled_goroutines(100'000);
    std::atomic<int> woken{0};
    run_to_end(rt, [&] {
      for (int i = 0; i < n; ++i) {
        go([&] {
          sleep(20ms);
          ++woken;
        });
      }
    });
    CHECK(woken == n);
  });
}

TEST_SUITE_END();

// 4 to 5 GB of stacks and some ten seconds: ctest gives the suite a label to leave it out by.
TEST_SUITE_BEGIN("runtime/slow");

TEST_CASE("1,000,000 parked goroutines all wake") {
  for (const int procs : {1, 2}) {
    CAPTURE(procs);
    Runtime rt({.procs = procs});
    const int n = scaled_goroutines(1'000'000);
    int woken = 0;
    run_to_end(rt, [&] { woken = park_and_close(rt, n); });
    CHECK(woken == n);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::population_test
