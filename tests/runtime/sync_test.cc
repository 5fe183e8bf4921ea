// tests/runtime/sync_test.cc - Mutex and WaitGroup.

#include "runtime/sync.h"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <numeric>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::sync_test {

namespace {

using namespace gorun::runtime;

}  // namespace

TEST_SUITE_BEGIN("runtime/sync");

TEST_CASE("a mutex excludes: plain memory under it loses no increment") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(10'000);
    int counter = 0;  // plain on purpose: TSan checks the order that the mutex makes
    run_to_end(rt, [&] {
      Mutex mutex;
      WaitGroup all;
      for (int g = 0; g < 8; ++g) {
        all.go([&] {
          for (int i = 0; i < rounds; ++i) {
            const std::lock_guard lock(mutex);
            ++counter;
          }
        });
      }
      all.wait();
    });
    CHECK(counter == 8 * rounds);
  });
}

TEST_CASE("a mutex may be held across a yield, a park and a move to another M") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(300, 20);
    int counter = 0;
    std::atomic<int> inside{0};
    std::atomic<int> overlaps{0};
    run_to_end(rt, [&] {
      Mutex mutex;
      Chan<Unit> tick(0);
      go([tick]() mutable {
        while (tick.send({}) == ChanStatus::kOk) {
        }
      });
      WaitGroup all;
      for (int g = 0; g < 8; ++g) {
        all.go([&, g] {
          for (int i = 0; i < rounds; ++i) {
            std::unique_lock lock(mutex);
            overlaps += inside.fetch_add(1) != 0;
            if (g % 2 == 0) yield();
            if (g % 3 == 0) (void)tick.recv();
            ++counter;
            inside.fetch_sub(1);
          }
        });
      }
      all.wait();
      tick.close();
    });
    CHECK(counter == 8 * rounds);
    CHECK(overlaps == 0);
  });
}

TEST_CASE("try_lock takes a free mutex and refuses a held one") {
  at_each_procs([](Runtime& rt) {
    std::vector<bool> taken;
    run_to_end(rt, [&] {
      Mutex mutex;
      taken.push_back(mutex.try_lock());
      taken.push_back(mutex.try_lock());
      mutex.unlock();
      taken.push_back(mutex.try_lock());
      WaitGroup other;
      other.go([&] { taken.push_back(mutex.try_lock()); });
      other.wait();
      WaitGroup waiter;
      waiter.go([&] { const std::lock_guard lock(mutex); });
      wait_until_parked(rt, WaitReason::kMutex, 1);
      taken.push_back(mutex.try_lock());  // held, with a waiter
      mutex.unlock();
      waiter.wait();
      taken.push_back(mutex.try_lock());
    });
    CHECK(taken == std::vector<bool>{true, false, true, false, false, true});
  });
}

TEST_CASE("any goroutine may unlock what another locked") {
  at_each_procs([](Runtime& rt) {
    bool locked_again = false;
    run_to_end(rt, [&] {
      Mutex mutex;
      mutex.lock();
      go([&] { mutex.unlock(); });
      mutex.lock();
      locked_again = !mutex.try_lock();
      mutex.unlock();
    });
    CHECK(locked_again);
  });
}

TEST_CASE("waiters of a mutex get it first come, first served") {
  at_each_procs([](Runtime& rt) {
    constexpr int kWaiters = 20;
    std::vector<int> order;
    run_to_end(rt, [&] {
      Mutex mutex;
      WaitGroup all;
      mutex.lock();
      for (int i = 0; i < kWaiters; ++i) {
        all.go([&, i] {
          const std::lock_guard lock(mutex);
          order.push_back(i);
        });
        wait_until_parked(rt, WaitReason::kMutex, static_cast<std::size_t>(i) + 1);
      }
      mutex.unlock();
      all.wait();
    });
    std::vector<int> expected(kWaiters);
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(order == expected);
  });
}

TEST_CASE("a goroutine that locks again and again does not starve another") {
  at_each_procs([](Runtime& rt) {
    const int wanted = scaled(50, 10);
    std::atomic<bool> satisfied{false};
    run_to_end(rt, [&] {
      std::atomic<int> greedy_rounds{0};
      Mutex mutex;
      WaitGroup all;
      all.go([&] {
        while (!satisfied) {
          const std::lock_guard lock(mutex);
          ++greedy_rounds;
          yield();  // while holding it: the other finds the mutex taken whenever it looks
        }
      });
      all.go([&] {
        yield_until("the greedy one is at it", [&] { return greedy_rounds > 0; });
        for (int i = 0; i < wanted; ++i) {
          const std::lock_guard lock(mutex);
        }
        satisfied = true;
      });
      all.wait();
    });
    CHECK(satisfied);
  });
}

TEST_CASE("contending goroutines all get the mutex again and again") {
  at_each_procs([](Runtime& rt) {
    constexpr int kGoroutines = 8;
    const int wanted = scaled(500, 50);
    std::atomic<int> unsatisfied{kGoroutines};
    std::vector<int> shares(kGoroutines, 0);
    run_to_end(rt, [&] {
      Mutex mutex;
      WaitGroup all;
      for (int& mine : shares) {
        all.go([&] {
          // Goes on contending until the last one has had its share.
          while (unsatisfied > 0) {
            {
              const std::lock_guard lock(mutex);
              unsatisfied -= ++mine == wanted;
            }
            yield();
          }
        });
      }
      all.wait();
    });
    for (const int share : shares) CHECK(share >= wanted);
  });
}

TEST_CASE("wait returns at once for a group of nobody") {
  at_each_procs([](Runtime& rt) {
    bool returned = false;
    run_to_end(rt, [&] {
      WaitGroup nobody;
      nobody.wait();
      nobody.add(2);
      nobody.done();
      nobody.done();
      nobody.wait();
      returned = true;
    });
    CHECK(returned);
  });
}

TEST_CASE("wait returns when the last goroutine is done, having seen all its writes") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(200, 20);
    int missing = 0;
    run_to_end(rt, [&] {
      for (int round = 0; round < rounds; ++round) {
        std::vector<int> memory(16, 0);  // plain on purpose
        WaitGroup all;
        for (int& cell : memory) all.go([&cell] { cell = 1; });
        all.wait();
        missing += 16 - std::accumulate(memory.begin(), memory.end(), 0);
      }
    });
    CHECK(missing == 0);
  });
}

TEST_CASE("the last done releases every waiter") {
  at_each_procs([](Runtime& rt) {
    constexpr int kWaiters = 50;
    std::atomic<int> released{0};
    int released_early = -1;
    run_to_end(rt, [&] {
      WaitGroup work;
      WaitGroup waiters;
      work.add(2);
      for (int i = 0; i < kWaiters; ++i) {
        waiters.go([&] {
          work.wait();
          ++released;
        });
      }
      wait_until_parked(rt, WaitReason::kWaitGroup, kWaiters);
      work.done();
      released_early = released;
      work.done();
      waiters.wait();
    });
    CHECK(released_early == 0);
    CHECK(released == kWaiters);
  });
}

TEST_CASE("a group may be used again once wait has returned") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(1'000, 50);
    std::atomic<int> ran{0};
    int wrong = 0;
    run_to_end(rt, [&] {
      WaitGroup group;
      for (int round = 1; round <= rounds; ++round) {
        for (int i = 0; i < 3; ++i) group.go([&] { ++ran; });
        group.wait();
        wrong += ran != 3 * round;
      }
    });
    CHECK(wrong == 0);
  });
}

TEST_CASE("members may add members before they are done") {
  at_each_procs([](Runtime& rt) {
    const int depth = kScale == 1 ? 10 : 6;
    std::atomic<int> leaves{0};
    run_to_end(rt, [&] {
      WaitGroup all;
      std::function<void(int)> grow = [&](int level) {
        if (level == 0) {
          ++leaves;
          return;
        }
        all.go([&grow, level] { grow(level - 1); });
        all.go([&grow, level] { grow(level - 1); });
      };
      grow(depth);
      all.wait();
    });
    CHECK(leaves == 1 << depth);
  });
}

TEST_CASE("a group and a mutex may die as soon as their last user has returned") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(3'000, 200);
    std::atomic<int> ran{0};
    run_to_end(rt, [&] {
      for (int i = 0; i < rounds; ++i) {
        WaitGroup group;  // on this stack: a late touch by done() would hit the next round's group
        Mutex mutex;
        for (int g = 0; g < 2; ++g) {
          group.go([&] {
            const std::lock_guard lock(mutex);
            ++ran;
          });
        }
        group.wait();
      }
    });
    CHECK(ran == 2 * rounds);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::sync_test
