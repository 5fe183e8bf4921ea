// Mutexes that one P has had for itself, and what becomes of them when others come. A mutex is
// biased after a few hundred locks in a row: each test locks kStreak times first.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>

#include "runtime/blocking.h"
#include "runtime/os_thread.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::mutex_bias_test {

namespace {

using namespace gorun::runtime;

constexpr int kStreak = 1'000;  // more than it takes

void lock_in_a_row(Mutex& mutex, int& counter) {
  for (int i = 0; i < kStreak; ++i) {
    const std::lock_guard lock(mutex);
    ++counter;
  }
}

}  // namespace

TEST_SUITE_BEGIN("runtime/mutex_bias");

TEST_CASE("mutexes that everybody had for himself exclude when everybody wants them") {
  at_each_procs([](Runtime& rt) {
    constexpr std::size_t kMutexes = 8;
    const int rounds = scaled(200, 10);
    std::array<int, kMutexes> counters{};  // plain on purpose: TSan checks the order
    run_to_end(rt, [&] {
      std::array<Mutex, kMutexes> mutexes;
      WaitGroup all;
      for (std::size_t g = 0; g < kMutexes; ++g) {
        all.go([&, g] {
          lock_in_a_row(mutexes[g], counters[g]);
          for (int i = 0; i < rounds; ++i) {
            for (std::size_t k = 0; k < kMutexes; ++k) {
              const std::size_t n = (g + k) % kMutexes;
              const std::lock_guard lock(mutexes[n]);
              ++counters[n];
            }
            if (i % 8 == 0) yield();
          }
        });
      }
      all.wait();
    });
    for (const int counter : counters) {
      CHECK(counter == kStreak + rounds * static_cast<int>(kMutexes));
    }
  });
}

TEST_CASE("the bias ends while its owner locks and unlocks without a pause") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(300, 20);
    int overlaps = 0;
    run_to_end(rt, [&] {
      for (int i = 0; i < rounds; ++i) {
        Mutex mutex;
        bool is_inside = false;
        const auto visit = [&] {
          const std::lock_guard lock(mutex);
          overlaps += is_inside;
          is_inside = true;
          std::atomic_signal_fence(std::memory_order_seq_cst);
          is_inside = false;
        };
        std::atomic<bool> is_owned = false;
        std::atomic<bool> is_over = false;
        WaitGroup both;
        both.go([&] {
          for (int n = 0; n < kStreak; ++n) visit();
          is_owned = true;
          for (int n = 1; !is_over; ++n) {
            visit();
            if (n % 4096 == 0) yield();  // a single P needs a way to the other goroutine
          }
        });
        both.go([&] {
          while (!is_owned) yield();
          for (int n = 0; n < 100; ++n) visit();
          is_over = true;
        });
        both.wait();
      }
    });
    CHECK(overlaps == 0);
  });
}

TEST_CASE("a mutex locked under a bias is refused, waited for and unlocked elsewhere") {
  at_each_procs([](Runtime& rt) {
    bool was_refused = false;
    int counter = 0;
    run_to_end(rt, [&] {
      Mutex mutex;
      lock_in_a_row(mutex, counter);
      mutex.lock();
      WaitGroup others;
      // Threads of their own: on another P, if there is one.
      others.go([&] {
        lock_os_thread();
        was_refused = !mutex.try_lock();
      });
      others.wait();
      others.go([&] {
        lock_os_thread();
        const std::lock_guard lock(mutex);
        ++counter;
      });
      wait_until_parked(rt, WaitReason::kMutex, 1);
      WaitGroup unlocker;
      unlocker.go([&] {
        lock_os_thread();
        mutex.unlock();
      });
      unlocker.wait();
      others.wait();
    });
    CHECK(was_refused);
    CHECK(counter == kStreak + 1);
  });
}

TEST_CASE("who holds a mutex under a bias may lose its P and unlock on another") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(30, 10);
    int counter = 0;
    run_to_end(rt, [&] {
      Mutex mutex;
      WaitGroup all;
      lock_in_a_row(mutex, counter);
      for (int g = 0; g < 4; ++g) {
        all.go([&] {
          for (int i = 0; i < rounds; ++i) {
            const std::lock_guard lock(mutex);
            blocking(Blocking::kLong, [] { std::this_thread::yield(); });
            ++counter;
          }
        });
      }
      all.wait();
    });
    CHECK(counter == kStreak + 4 * rounds);
  });
}

TEST_CASE("a biased mutex outlives its runtime: the next one, and no runtime, may have it") {
  Mutex mutex;
  int counter = 0;
  for (const int procs : {8, 1, 2, 8}) {
    Runtime rt({.procs = procs});
    run_to_end(rt, [&] {
      WaitGroup all;
      for (int g = 0; g < procs; ++g) {
        all.go([&] { lock_in_a_row(mutex, counter); });
      }
      all.wait();
    });
  }
  mutex.lock();
  CHECK_FALSE(mutex.try_lock());
  mutex.unlock();
  CHECK(counter == 19 * kStreak);

  Mutex other;
  Runtime single({.procs = 1});
  run_to_end(single, [&] { lock_in_a_row(other, counter); });
  CHECK(other.try_lock());
  other.unlock();
}

TEST_SUITE_END();

}  // namespace gorun::test::mutex_bias_test
