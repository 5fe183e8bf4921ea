// tests/runtime/procs_test.cc - more and fewer Ps while goroutines run: none is lost, no timer
// either, and a P that is too many runs nothing.

#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/blocking.h"
#include "runtime/chan.h"
#include "runtime/num_cpu.h"
#include "runtime/os_thread.h"
#include "runtime/runtime.h"
#include "runtime/sched/sched.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::procs_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

// Picks so far on Ps from `first` on.
std::uint64_t ticks_from(std::size_t first) {
  std::uint64_t sum = 0;
  for (std::size_t i = first; i < sched->ps.size(); ++i) sum += sched->ps[i]->tick.load();
  return sum;
}

// Whether the Ps from `first` on are out of use: without an owner, a G or a timer.
bool are_empty_from(std::size_t first) {
  const std::lock_guard guard(sched->lock);
  for (std::size_t i = first; i < sched->ps.size(); ++i) {
    const P& pp = *sched->ps[i];
    if (!pp.idle || pp.has_work()) return false;
    if (pp.timers.earliest() != TimerHeap::kNever) return false;
  }
  return true;
}

// The affinity of the thread that makes it, which is put back at the end.
class Affinity {
 public:
  Affinity() { CHECK(sched_getaffinity(0, sizeof all_, &all_) == 0); }
  ~Affinity() { restore(); }
  Affinity(const Affinity&) = delete;
  Affinity& operator=(const Affinity&) = delete;

  [[nodiscard]] int count() const { return CPU_COUNT(&all_); }
  // Of the thread that made it; from any thread.
  void narrow_to_one() const {
    cpu_set_t one;
    CPU_ZERO(&one);
    int first = 0;
    while (!CPU_ISSET(first, &all_)) ++first;
    CPU_SET(first, &one);
    if (sched_setaffinity(thread_, sizeof one, &one) != 0) std::abort();
  }
  void restore() const {
    if (sched_setaffinity(thread_, sizeof all_, &all_) != 0) std::abort();
  }

 private:
  pid_t thread_ = gettid();
  cpu_set_t all_{};
};

// Goroutines of every kind, busy until it goes: yielding, talking, ticking, blocking, spawning.
class Bustle {
 public:
  Bustle() {
    for (int i = 0; i < 8; ++i) {
      all_.go([this] {
        while (!over_) {
          yield();
          ++steps;
        }
      });
    }
    for (int i = 0; i < 4; ++i) {
      Chan<int> there(0);
      all_.go([this, there]() mutable {
        while (!over_) {
          (void)there.send(1);
          ++steps;
        }
        there.close();
      });
      all_.go([there]() mutable {
        for (const int one : there) (void)one;
      });
    }
    all_.go([this] {
      while (!over_) blocking(Blocking::kBrief, [] { usleep(100); });
    });
    all_.go([this] {
      while (!over_) blocking(Blocking::kLong, [] { usleep(100); });
    });
    all_.go([this] {
      while (!over_) {
        WaitGroup children;
        for (int i = 0; i < 20; ++i) children.go([] {});
        children.wait();
      }
    });
    all_.go([this] {
      lock_os_thread();
      while (!over_) {
        yield();
        sleep(50us);
      }
    });
    all_.go([this] {
      Ticker ticker(1ms);
      while (!over_) {
        (void)ticker.chan().recv();
        ++ticks;
      }
    });
  }
  ~Bustle() {
    over_ = true;
    all_.wait();
  }
  Bustle(const Bustle&) = delete;
  Bustle& operator=(const Bustle&) = delete;

  // Until all is seen to go on.
  void watch() const {
    const int ticks_before = ticks;
    const long steps_before = steps;
    yield_until("goroutines run", [&] { return steps > steps_before + 500; });
    yield_until("tickers tick", [&] { return ticks > ticks_before + 1; });
  }

  std::atomic<long> steps{0};
  std::atomic<int> ticks{0};

 private:
  std::atomic<bool> over_{false};
  WaitGroup all_;
};

}  // namespace

TEST_SUITE_BEGIN("runtime/procs");

TEST_CASE("set_procs says what holds") {
  Runtime rt({.procs = 2});
  std::vector<int> got;
  run_to_end(rt, [&] {
    for (const int wanted : {2, 5, 1, 0, -3, 1'000'000, 3}) {
      got.push_back(set_procs(wanted));
      got.push_back(procs());
      got.push_back(rt.procs());
    }
  });
  CHECK(got ==
        std::vector<int>{2, 2, 2, 5, 5, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1024, 1024, 1024, 3, 3, 3});
}

TEST_CASE("a run that starts with one P stays with it") {
  for (const Options& options : {Options{.procs = 1}, Options{.deterministic = 7}}) {
    Runtime rt(options);
    int got = 0;
    int ran = 0;
    run_to_end(rt, [&] {
      got = set_procs(4);
      WaitGroup all;
      for (int i = 0; i < 20; ++i) {
        all.go([&] {
          sleep(10us);
          ++ran;
        });
      }
      all.wait();
    });
    CHECK(got == 1);
    CHECK(ran == 20);
  }
}

TEST_CASE("a P that is too many is emptied, and runs nothing until it is wanted again") {
  for (const int most : {2, 8}) {
    CAPTURE(most);
    Runtime rt({.procs = most});
    std::uint64_t ran_meanwhile = 0;
    run_to_end(rt, [&] {
      Bustle bustle;
      for (int round = 0; round < scaled(10, 3); ++round) {
        const int fewer = 1 + round % (most - 1);
        const auto first = static_cast<std::size_t>(fewer);
        set_procs(fewer);
        yield_until("they are empty", [&] { return are_empty_from(first); });
        const std::uint64_t before = ticks_from(first);
        bustle.watch();
        ran_meanwhile += ticks_from(first) - before;
        const std::uint64_t then = ticks_from(first);
        set_procs(most);
        yield_until("they run again", [&] { return ticks_from(first) > then; });
        bustle.watch();
      }
    });
    CHECK(ran_meanwhile == 0);
  }
}

TEST_CASE("timers of a P that is too many fire, and can be stopped") {
  Runtime rt({.procs = 4});
  int woken = 0;
  int stopped = 0;
  int fired = 0;
  const int sleepers = scaled(2'000, 200);
  run_to_end(rt, [&] {
    WaitGroup all;
    std::atomic<int> slept{0};
    for (int i = 0; i < sleepers; ++i) {
      all.go([&, i] {
        sleep(20ms + std::chrono::microseconds(i * 7 % 10'000));
        ++slept;
      });
    }
    std::vector<std::unique_ptr<Timer>> timers;
    for (int i = 0; i < 100; ++i) {
      WaitGroup one;
      one.go(
          [&] { timers.push_back(std::make_unique<Timer>(i % 2 == 0 ? Nanos(1h) : Nanos(1ns))); });
      one.wait();
    }
    yield_until("all have gone to sleep", [&] {
      return rt.parked(WaitReason::kSleep) + static_cast<std::size_t>(slept) >=
             static_cast<std::size_t>(sleepers);
    });
    set_procs(1);
    yield_until("they are empty", [&] { return are_empty_from(1); });
    for (int i = 0; i < 100; ++i) {
      Timer& timer = *timers[static_cast<std::size_t>(i)];
      if (i % 2 == 0) {
        stopped += timer.stop();
      } else {
        fired += timer.chan().recv().status == ChanStatus::kOk;
      }
    }
    all.wait();
    woken = slept;
  });
  CHECK(woken == sleepers);
  CHECK(stopped == 50);
  CHECK(fired == 50);
}

TEST_CASE("the number changes all the time under goroutines of every kind") {
  for (const std::uint64_t seed : {0ULL, 1ULL}) {
    CAPTURE(seed);
    Runtime rt({.procs = 8, .jitter = seed, .idle_thread_ms = 1});
    run_to_end(rt, [&] {
      Bustle bustle;
      std::uint64_t random = 88172645463325252ULL;
      for (int i = 0; i < scaled(300, 60); ++i) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        set_procs(1 + static_cast<int>(random % 9));
        for (std::uint64_t n = random >> 60; n > 0; --n) yield();
        if (i % 50 == 0) bustle.watch();
      }
    });
  }
}

TEST_CASE("another thread may set the number, also while all goroutines are parked") {
  Runtime rt({.procs = 4});
  std::atomic<bool> done{false};
  int sum = 0;
  std::thread outside([&] {
    while (rt.parked(WaitReason::kSleep) < 50 && !done) std::this_thread::yield();
    for (const int count : {1, 4, 2, 1, 8, 3}) set_procs(count);
  });
  run_to_end(rt, [&] {
    WaitGroup all;
    std::atomic<int> woken{0};
    for (int i = 0; i < 50; ++i) {
      all.go([&] {
        sleep(5ms);
        ++woken;
      });
    }
    all.wait();
    sum = woken;
  });
  done = true;
  outside.join();
  CHECK(sum == 50);
}

TEST_CASE("a run follows the affinity of its thread") {
  const Affinity affinity;
  if (affinity.count() < 2) {
    MESSAGE("one processor: nothing to follow");
    return;
  }
  unsetenv("GORUN_PROCS");  // NOLINT(concurrency-mt-unsafe): no other thread runs
  const int wide = num_cpu();
  Runtime rt({.procs_period_ms = 1});
  CHECK(rt.procs() == wide);
  run_to_end(rt, [&] {
    Bustle bustle;
    for (int round = 0; round < 3; ++round) {
      affinity.narrow_to_one();
      yield_until("the run has narrowed", [&] { return procs() == 1; });
      yield_until("its other Ps are empty", [&] { return are_empty_from(1); });
      bustle.watch();
      affinity.restore();
      yield_until("the run has widened", [&] { return procs() == wide; });
      const std::uint64_t before = ticks_from(1);
      if (wide > 1) yield_until("other Ps run", [&] { return ticks_from(1) > before; });
      bustle.watch();
    }
  });
  CHECK(rt.procs() == wide);
}

TEST_CASE("a number that was asked for is not changed by the affinity") {
  const Affinity affinity;
  if (affinity.count() < 2) {
    MESSAGE("one processor: nothing to ignore");
    return;
  }
  unsetenv("GORUN_PROCS");  // NOLINT(concurrency-mt-unsafe): no other thread runs
  for (const bool set_later : {false, true}) {
    CAPTURE(set_later);
    Runtime rt({.procs = set_later ? 0 : 3, .procs_period_ms = 1});
    bool changed = false;
    run_to_end(rt, [&] {
      if (set_later) set_procs(3);
      affinity.narrow_to_one();
      // Long enough for sysmon to look several times: its rounds are at most 10 ms apart.
      const Nanos start = now();
      yield_until("time passes", [&] {
        changed = changed || procs() != 3;
        return now() - start > 50ms;
      });
      affinity.restore();
    });
    CHECK_FALSE(changed);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::procs_test
