// tests/runtime/rw_mutex_test.cc - readers together, writers alone, nobody for ever last.

#include "runtime/rw_mutex.h"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "runtime/chan.h"
#include "runtime/sync.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::rw_mutex_test {

namespace {

using namespace gorun::runtime;

}  // namespace

TEST_SUITE_BEGIN("runtime/rw_mutex");

TEST_CASE("readers hold it together, a writer alone") {
  at_each_procs([](Runtime& rt) {
    int broken = 0;
    long value = 0;
    constexpr int kWriters = 4;
    const int rounds = scaled(5'000, 300);
    std::atomic<int> readers{0};
    std::atomic<int> writers{0};
    std::atomic<int> torn{0};
    run_to_end(rt, [&] {
      RwMutex mutex;
      WaitGroup all;
      for (int g = 0; g < kWriters; ++g) {
        all.go([&] {
          for (int i = 0; i < rounds; ++i) {
            const std::unique_lock lock(mutex);
            torn += ++writers != 1 || readers != 0;
            ++value;
            if (i % 16 == 0) yield();
            torn += writers-- != 1 || readers != 0;
          }
        });
        all.go([&] {
          for (int i = 0; i < rounds; ++i) {
            const std::shared_lock lock(mutex);
            ++readers;
            torn += writers != 0;
            const long before = value;
            if (i % 16 == 0) yield();
            torn += before != value || writers != 0;
            --readers;
          }
        });
      }
      all.wait();
      broken = torn;
    });
    CHECK(broken == 0);
    CHECK(value == long{kWriters} * rounds);
  });
}

TEST_CASE("all readers can be inside at once") {
  at_each_procs([](Runtime& rt) {
    int inside = 0;
    run_to_end(rt, [&] {
      constexpr int kReaders = 50;
      RwMutex mutex;
      Chan<Unit> leave(0);
      std::atomic<int> in{0};
      WaitGroup all;
      for (int g = 0; g < kReaders; ++g) {
        all.go([&, leave]() mutable {
          const std::shared_lock lock(mutex);
          ++in;
          (void)leave.recv();
        });
      }
      yield_until("all readers are in", [&] { return in == kReaders; });
      inside = in;
      leave.close();
      all.wait();
    });
    CHECK(inside == 50);
  });
}

TEST_CASE("a waiting writer holds new readers back, and comes before them") {
  at_each_procs([](Runtime& rt) {
    std::vector<char> order;
    bool reader_got_in = true;
    run_to_end(rt, [&] {
      RwMutex mutex;
      WaitGroup all;
      mutex.lock_shared();
      all.go([&] {
        const std::unique_lock lock(mutex);
        order.push_back('w');
      });
      wait_until_parked(rt, WaitReason::kRwMutexWrite, 1);
      reader_got_in = mutex.try_lock_shared();
      all.go([&] {
        const std::shared_lock lock(mutex);
        order.push_back('r');
      });
      wait_until_parked(rt, WaitReason::kRwMutexRead, 1);
      mutex.unlock_shared();
      all.wait();
    });
    CHECK_FALSE(reader_got_in);
    CHECK(order == std::vector<char>{'w', 'r'});
  });
}

TEST_CASE("a writer that leaves lets in all waiting readers before the next writer") {
  at_each_procs([](Runtime& rt) {
    std::vector<char> order;
    run_to_end(rt, [&] {
      RwMutex mutex;
      Mutex guard;
      WaitGroup all;
      const auto note = [&](char who) {
        const std::lock_guard lock(guard);
        order.push_back(who);
      };
      mutex.lock();
      all.go([&] {
        const std::unique_lock lock(mutex);
        note('w');
      });
      wait_until_parked(rt, WaitReason::kRwMutexWrite, 1);
      for (std::size_t g = 1; g <= 3; ++g) {
        all.go([&] {
          const std::shared_lock lock(mutex);
          note('r');
        });
        wait_until_parked(rt, WaitReason::kRwMutexRead, g);
      }
      mutex.unlock();
      all.wait();
    });
    CHECK(order == std::vector<char>{'r', 'r', 'r', 'w'});
  });
}

TEST_CASE("try_lock and try_lock_shared take what is free and nothing else") {
  at_each_procs([](Runtime& rt) {
    std::vector<bool> got;
    run_to_end(rt, [&] {
      RwMutex mutex;
      got.push_back(mutex.try_lock());
      got.push_back(mutex.try_lock());
      got.push_back(mutex.try_lock_shared());
      mutex.unlock();
      got.push_back(mutex.try_lock_shared());
      got.push_back(mutex.try_lock_shared());
      got.push_back(mutex.try_lock());
      mutex.unlock_shared();
      got.push_back(mutex.try_lock());
      mutex.unlock_shared();
      got.push_back(mutex.try_lock());
      mutex.unlock();
    });
    CHECK(got == std::vector<bool>{true, false, false, true, true, false, false, true});
  });
}

TEST_CASE("an endless stream of readers does not keep a writer out, nor the reverse") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> turns{0};
    run_to_end(rt, [&] {
      RwMutex mutex;
      std::atomic<bool> over{false};
      WaitGroup all;
      for (int g = 0; g < 4; ++g) {
        all.go([&] {
          while (!over) {
            const std::shared_lock lock(mutex);
            yield();
          }
        });
      }
      all.go([&] {
        for (int i = 0; i < 100; ++i) {
          const std::unique_lock lock(mutex);
          ++turns;
        }
        over = true;
      });
      all.wait();
      over = false;
      for (int g = 0; g < 4; ++g) {
        all.go([&] {
          while (!over) {
            const std::unique_lock lock(mutex);
            yield();
          }
        });
      }
      all.go([&] {
        for (int i = 0; i < 100; ++i) {
          const std::shared_lock lock(mutex);
          ++turns;
        }
        over = true;
      });
      all.wait();
    });
    CHECK(turns == 200);
  });
}

TEST_CASE("the holder that unlocks last may free the mutex") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> seen{0};
    const int rounds = scaled(2'000, 200);
    run_to_end(rt, [&] {
      for (int i = 0; i < rounds; ++i) {
        auto mutex = std::make_unique<RwMutex>();
        WaitGroup all;
        mutex->lock();
        all.go([&, m = mutex.get()] {
          m->lock();
          ++seen;
          m->unlock();
        });
        yield();
        mutex->unlock();
        mutex->lock_shared();
        mutex->unlock_shared();
        all.wait();
        mutex.reset();
      }
    });
    CHECK(seen == rounds);
  });
}

TEST_CASE("unlocking what is not locked aborts and says so") {
  const auto end_of = [](void (*body)(RwMutex&)) {
    return run_in_child([body] {
      Runtime rt({.procs = 1});
      rt.run([body] {
        RwMutex mutex;
        body(mutex);
      });
    });
  };
  CHECK(end_of([](RwMutex& m) {
          m.unlock();
        }).errors.find("fatal: rw mutex: unlock of a mutex that is not locked") == 0);
  CHECK(
      end_of([](RwMutex& m) {
        m.unlock_shared();
      }).errors.find("fatal: rw mutex: unlock_shared of a mutex that is not locked for reading") ==
      0);
}

TEST_SUITE_END();

}  // namespace gorun::test::rw_mutex_test
