// tests/runtime/timer_test.cc - sleeping goroutines: never early, in order, at no cost to others.
//
// Time is the subject here, so these tests sleep; how late a wake-up may be depends on the machine,
// so lateness is only bounded far beyond what a loaded one needs.

#include "runtime/timer.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::timer_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

Nanos cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto nanos = [](const timeval& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
  };
  return nanos(usage.ru_utime) + nanos(usage.ru_stime);
}

}  // namespace

TEST_SUITE_BEGIN("runtime/timer");

TEST_CASE("now does not go back, within a goroutine or from one to another") {
  at_each_procs([](Runtime& rt) {
    int backwards = 0;
    run_to_end(rt, [&] {
      Chan<Nanos> ch(0);
      go([ch]() mutable {
        for (int i = 0; i < 1'000; ++i) (void)ch.send(now());
        ch.close();
      });
      Nanos last_sent{0};
      Nanos last_seen{0};
      for (const Nanos sent : ch) {
        const Nanos seen = now();
        backwards += sent < last_sent;
        backwards += seen < last_seen;
        backwards += seen < sent;
        last_sent = sent;
        last_seen = seen;
      }
    });
    CHECK(backwards == 0);
  });
}

TEST_CASE("a sleep never ends early, and not absurdly late") {
  at_each_procs([](Runtime& rt) {
    int early = 0;
    Nanos shortest_overshoot = 1h;
    run_to_end(rt, [&] {
      for (const Nanos duration : {Nanos{1}, Nanos{1us}, Nanos{100us}, Nanos{1ms}, Nanos{10ms}}) {
        for (int i = 0; i < 3; ++i) {
          const Nanos start = now();
          sleep(duration);
          const Nanos slept = now() - start;
          early += slept < duration;
          shortest_overshoot = std::min(shortest_overshoot, slept - duration);
        }
      }
    });
    CHECK(early == 0);
    CHECK(shortest_overshoot < 20ms);
  });
}

TEST_CASE("a sleep of zero or less lets others run and returns") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> others{0};
    Nanos took{0};
    run_to_end(rt, [&] {
      const Nanos start = now();
      for (const Nanos none : {Nanos{0}, Nanos{-1}, Nanos{-1h}, Nanos::min()}) {
        sleep(none);
      }
      took = now() - start;
      go([&] { ++others; });
      while (others == 0) sleep(Nanos{0});  // ends only if it yields
    });
    CHECK(others == 1);
    CHECK(took < 10s);
  });
}

TEST_CASE("thousands of sleepers all wake, none early, on one P in the order of their deadlines") {
  at_each_procs([](Runtime& rt) {
    struct Sleeper {
      Nanos due{0};
      Nanos woke{0};
      int woken_as = -1;
    };
    const int n = scaled_goroutines(10'000);
    std::vector<Sleeper> sleepers(static_cast<std::size_t>(n));
    std::atomic<int> woken{0};
    run_to_end(rt, [&] {
      std::mt19937 random(20'240'501);
      std::uniform_int_distribution<int> micros(0, 60'000);
      WaitGroup all;
      for (Sleeper& mine : sleepers) {
        all.go([&woken, &mine, duration = Nanos{std::chrono::microseconds(micros(random))}] {
          mine.due = now() + duration;
          sleep(duration);
          mine.woke = now();
          mine.woken_as = woken++;
        });
      }
      all.wait();
    });
    std::sort(sleepers.begin(), sleepers.end(),
              [](const Sleeper& a, const Sleeper& b) { return a.due < b.due; });
    int early = 0;
    double displacement = 0;
    for (int i = 0; i < n; ++i) {
      const Sleeper& s = sleepers[static_cast<std::size_t>(i)];
      early += s.woke < s.due;
      displacement += std::abs(s.woken_as - i);
    }
    CHECK(woken == n);
    CHECK(early == 0);
    // A heap that lost its order would wake them as if at random: a third of n from their places.
    // However late a loaded machine is, what is due goes out in the order of the heap. Each P has
    // one: where a thread loses its core, what is due there comes behind what others have.
    if (rt.procs() == 1) CHECK(displacement / n / n < 0.2);
  });
}

TEST_CASE("sleepers wake in the order of their deadlines, not of their going to sleep") {
  at_each_procs([](Runtime& rt) {
    bool in_order = false;
    // A loaded machine may deliver two deadlines at once, and then no order is promised; a few
    // attempts make that improbable without hiding a runtime that never gets it right.
    constexpr int kAttempts = 5;
    run_to_end(rt, [&] {
      for (int attempt = 0; attempt < kAttempts && !in_order; ++attempt) {
        Mutex mutex;
        std::vector<int> order;
        WaitGroup all;
        for (const int rank : {3, 0, 4, 1, 2}) {
          all.go([&, rank] {
            sleep(Nanos{(1 + 10 * rank) * 1ms});
            mutex.lock();
            order.push_back(rank);
            mutex.unlock();
          });
        }
        all.wait();
        in_order = order == std::vector<int>{0, 1, 2, 3, 4};
      }
    });
    CHECK(in_order);
  });
}

TEST_CASE("a later, shorter sleep is not held up by an earlier, longer one") {
  at_each_procs([](Runtime& rt) {
    std::atomic<bool> later_woke{false};
    bool was_first = false;
    run_to_end(rt, [&] {
      Chan<Unit> enough(0);
      WaitGroup longer;
      longer.go([&] {
        // An hour, but that nobody wants to wait for the end of it.
        static_cast<void>(select(recv_case(enough), timeout_case(1h)));
        was_first = later_woke;
      });
      wait_until_parked(rt, WaitReason::kSelect, 1);
      sleep(1ms);
      later_woke = true;
      enough.close();
      longer.wait();
    });
    CHECK(was_first);
  });
}

TEST_CASE("others run while a goroutine sleeps") {
  at_each_procs([](Runtime& rt) {
    constexpr int kEnough = 100;
    std::atomic<int> rounds{0};
    run_to_end(rt, [&] {
      std::atomic<bool> awake{false};
      go([&] {
        // Once, unless the others' thread loses its core for as long.
        do sleep(20ms);
        while (rounds <= kEnough);
        awake = true;
      });
      while (!awake) {
        yield();
        ++rounds;
      }
    });
    CHECK(rounds > kEnough);
  });
}

TEST_CASE("a run does not count as stuck while a sleeper will wake it") {
  at_each_procs([](Runtime& rt) {
    int got = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      go([ch]() mutable {
        for (int i = 1; i <= 5; ++i) {
          sleep(3ms);
          (void)ch.send(i);
        }
        ch.close();
      });
      for (const int value : ch) got += value;
    });
    CHECK(got == 15);
  });
}

TEST_CASE("a timer wakes its goroutine although its P never runs out of other work") {
  at_each_procs([](Runtime& rt) {
    std::atomic<bool> awake{false};
    run_to_end(rt, [&] {
      WaitGroup all;
      for (int g = 0; g < 4 * rt.procs(); ++g) {
        all.go([&] {
          while (!awake) yield();
        });
      }
      all.go([&] {
        sleep(2ms);
        awake = true;
      });
      all.wait();
    });
    CHECK(awake);
  });
}

TEST_CASE("a runtime whose goroutines all sleep uses next to no CPU") {
  at_each_procs([](Runtime& rt) {
    Nanos used = 1h;
    run_to_end(rt, [&] {
      Chan<Unit> enough(0);
      WaitGroup sleepers;
      for (int g = 0; g < 20; ++g) {
        sleepers.go([&] { static_cast<void>(select(recv_case(enough), timeout_case(1h))); });
      }
      wait_until_parked(rt, WaitReason::kSelect, 20);
      const Nanos before = cpu_time();
      sleep(300ms);
      used = cpu_time() - before;
      enough.close();
      sleepers.wait();
    });
    // An M that does not park uses all of it. The rest is a margin for sanitizers on a busy
    // machine.
    CHECK(used.count() < Nanos{100ms}.count());
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::timer_test
