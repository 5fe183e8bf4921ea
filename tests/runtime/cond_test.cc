// tests/runtime/cond_test.cc - notifications reach those that waited before them, and all of those.

#include "runtime/cond.h"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"
#include "tests/support/tally.h"

namespace gorun::test::cond_test {

namespace {

using namespace gorun::runtime;

}  // namespace

TEST_SUITE_BEGIN("runtime/cond");

TEST_CASE("notify_one wakes one waiter at a time, in the order of their coming") {
  at_each_procs([](Runtime& rt) {
    std::vector<std::size_t> order;
    std::size_t most_at_once = 0;
    run_to_end(rt, [&] {
      constexpr std::size_t kWaiters = 5;
      Mutex mutex;
      Cond cond;
      WaitGroup all;
      for (std::size_t g = 0; g < kWaiters; ++g) {
        all.go([&, g] {
          std::unique_lock lock(mutex);
          cond.wait(lock);
          order.push_back(g);
        });
        wait_until_parked(rt, WaitReason::kCond, g + 1);
      }
      for (std::size_t woken = 1; woken <= kWaiters; ++woken) {
        cond.notify_one();
        const auto count = [&] {
          const std::lock_guard lock(mutex);
          return order.size();
        };
        yield_until("the notified one has run", [&] { return count() >= woken; });
        most_at_once = std::max(most_at_once, count() - (woken - 1));
      }
      all.wait();
    });
    CHECK(order == std::vector<std::size_t>{0, 1, 2, 3, 4});
    CHECK(most_at_once == 1);
  });
}

TEST_CASE("notify_all wakes all, and only once") {
  at_each_procs([](Runtime& rt) {
    constexpr int kWaiters = 100;
    std::atomic<int> woken{0};
    run_to_end(rt, [&] {
      Mutex mutex;
      Cond cond;
      for (int round = 1; round <= 5; ++round) {
        WaitGroup all;
        for (int g = 0; g < kWaiters; ++g) {
          all.go([&] {
            std::unique_lock lock(mutex);
            cond.wait(lock);
            ++woken;
          });
        }
        wait_until_parked(rt, WaitReason::kCond, kWaiters);
        cond.notify_all();
        all.wait();
      }
    });
    CHECK(woken == 5 * kWaiters);
  });
}

TEST_CASE("a notification that nobody waits for is lost") {
  at_each_procs([](Runtime& rt) {
    int passed = 0;
    const RunResult result = rt.run([&] {
      Mutex mutex;
      Cond cond;
      cond.notify_one();
      cond.notify_all();
      std::unique_lock lock(mutex);
      cond.wait(lock);
      ++passed;
    });
    CHECK(passed == 0);
    CHECK((result.outcome == RunResult::Outcome::kDeadlocked));
    REQUIRE(result.stuck.size() == 1);
    CHECK((result.stuck[0].reason == WaitReason::kCond));
  });
}

// The old generation must be woken although a newer waiter asks at the same time.
TEST_CASE("one that waits again cannot swallow a notification meant for those before it") {
  at_each_procs([](Runtime& rt) {
    int second_round = 0;
    std::atomic<int> others{0};
    run_to_end(rt, [&] {
      Mutex mutex;
      Cond cond;
      bool over = false;
      WaitGroup all;
      all.go([&] {
        std::unique_lock lock(mutex);
        while (!over) {
          cond.wait(lock);
          ++second_round;
        }
      });
      wait_until_parked(rt, WaitReason::kCond, 1);
      for (std::size_t g = 0; g < 4; ++g) {
        all.go([&] {
          std::unique_lock lock(mutex);
          cond.wait(lock);
          ++others;
        });
        wait_until_parked(rt, WaitReason::kCond, g + 2);
      }
      for (int i = 0; i < 5; ++i) cond.notify_one();  // the first goes behind the others
      yield_until("the others were woken", [&] { return others == 4; });
      wait_until_parked(rt, WaitReason::kCond, 1);
      {
        const std::lock_guard lock(mutex);
        over = true;
      }
      cond.notify_all();
      all.wait();
    });
    CHECK(others == 4);
    CHECK(second_round == 2);
  });
}

TEST_CASE("a bounded queue of Mutex and Cond loses and doubles nothing") {
  at_each_procs([](Runtime& rt) {
    const int per_producer = scaled(5'000, 250);
    Tally tally(static_cast<std::size_t>(4 * per_producer));
    run_to_end(rt, [&] {
      Mutex mutex;
      Cond not_full;
      Cond not_empty;
      std::deque<int> queue;
      WaitGroup all;
      for (int g = 0; g < 4; ++g) {
        all.go([&, g] {
          for (int i = 0; i < per_producer; ++i) {
            std::unique_lock lock(mutex);
            not_full.wait(lock, [&] { return queue.size() < 3; });
            queue.push_back(g * per_producer + i);
            not_empty.notify_one();
          }
        });
        all.go([&] {
          for (int i = 0; i < per_producer; ++i) {
            std::unique_lock lock(mutex);
            not_empty.wait(lock, [&] { return !queue.empty(); });
            tally.mark(static_cast<std::size_t>(queue.front()));
            queue.pop_front();
            lock.unlock();
            not_full.notify_one();
          }
        });
      }
      all.wait();
    });
    CHECK(tally.lost() == 0);
    CHECK(tally.doubled() == 0);
  });
}

TEST_CASE("waits with a Mutex itself, and with a writer's lock on an RwMutex") {
  at_each_procs([](Runtime& rt) {
    int done = 0;
    run_to_end(rt, [&] {
      Mutex mutex;
      RwMutex rw_mutex;
      Cond cond;
      bool is_set = false;
      WaitGroup all;
      all.go([&] {
        mutex.lock();
        cond.wait(mutex);
        ++done;
        mutex.unlock();
      });
      wait_until_parked(rt, WaitReason::kCond, 1);
      cond.notify_one();
      all.wait();
      all.go([&] {
        std::unique_lock lock(rw_mutex);
        cond.wait(lock, [&] { return is_set; });
        ++done;
      });
      yield();
      rw_mutex.lock();
      is_set = true;
      rw_mutex.unlock();
      cond.notify_all();
      all.wait();
    });
    CHECK(done == 2);
  });
}

TEST_CASE("the Cond may go once every waiter was notified") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> woken{0};
    const int rounds = scaled(2'000, 200);
    run_to_end(rt, [&] {
      Mutex mutex;
      WaitGroup all;
      for (int i = 0; i < rounds; ++i) {
        auto cond = std::make_unique<Cond>();
        bool waits = false;
        all.go([&, c = cond.get()] {
          std::unique_lock lock(mutex);
          waits = true;
          c->wait(lock);  // it may not have parked yet when it is notified
          ++woken;
        });
        for (;;) {
          {
            const std::lock_guard lock(mutex);
            if (waits) break;
          }
          yield();
        }
        cond->notify_all();
        cond.reset();
        all.wait();
      }
    });
    CHECK(woken == rounds);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::cond_test
