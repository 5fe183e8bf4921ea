// tests/runtime/deterministic_test.cc - the runtime's modes for tests: one order in virtual time
// from a seed, and jitter.

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"

namespace gorun::test::deterministic_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

// What goroutines of many kinds of operations did, in its order: all run on one M. `swapped`: which
// of two channels has the lower address.
std::vector<int> schedule(std::uint64_t seed, bool swapped) {
  std::vector<int> steps;
  Runtime rt({.deterministic = seed});
  run_to_end(rt, [&] {
    Chan<int> one(1), other(1);
    if (swapped) std::swap(one, other);
    Mutex mutex;
    WaitGroup all;
    for (int g = 0; g < 6; ++g) {
      all.go([&, g] {
        for (int i = 0; i < 30; ++i) {
          steps.push_back(g);
          int got = -1;
          switch ((g + i) % 3) {
            case 0:
              steps.push_back(select(recv_case(one, got), send_case(one, i), recv_case(other, got),
                                     send_case(other, i), timeout_case(1ms))
                                  .index);
              steps.push_back(got);
              break;
            case 1:
              mutex.lock();
              sleep(std::chrono::microseconds(g * i));
              mutex.unlock();
              break;
            default:
              yield();
          }
        }
      });
    }
    all.wait();
  });
  return steps;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/deterministic");

TEST_CASE("one seed gives one schedule, wherever things lie in memory, and others give others") {
  std::set<std::vector<int>> schedules;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    const std::vector<int> first = schedule(seed, false);
    CHECK((schedule(seed, false) == first));
    CHECK((schedule(seed, true) == first));
    schedules.insert(first);
  }
  CHECK(schedules.size() == 8);
}

TEST_CASE("time is virtual: it passes when all sleep, and takes none") {
  Runtime rt({.deterministic = 1});
  Nanos slept{0};
  std::vector<int> order;
  run_to_end(rt, [&] {
    WaitGroup all;
    for (const int hours : {3, 1, 2}) {
      all.go([&order, hours] {
        sleep(std::chrono::hours(hours));
        order.push_back(hours);
      });
    }
    const Nanos before = now();
    sleep(10'000h);
    slept = now() - before;
    all.wait();
  });
  CHECK(slept == Nanos(10'000h));
  CHECK((order == std::vector<int>{1, 2, 3}));
}

TEST_CASE("jitter lets others run where nobody yields or waits") {
  Runtime rt({.procs = 1, .jitter = 5});
  std::atomic<int> last{0};
  std::atomic<int> turns{0};
  run_to_end(rt, [&] {
    WaitGroup all;
    for (int g = 1; g <= 2; ++g) {
      all.go([&, g] {
        Chan<int> own(1);
        for (int i = 0; i < 500; ++i) {
          if (last.exchange(g) != g) ++turns;
          (void)own.try_send(i);
          (void)own.try_recv();
        }
      });
    }
    all.wait();
  });
  CHECK(turns > 20);  // two without jitter
}

TEST_SUITE_END();

}  // namespace gorun::test::deterministic_test
