// tests/runtime/os_thread_test.cc - a locked goroutine and its thread: always together, never with
// others, and no less live for it.

#include "runtime/os_thread.h"

#include <doctest/doctest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "runtime/blocking.h"
#include "runtime/cancel.h"
#include "runtime/chan.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::os_thread_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

}  // namespace

TEST_SUITE_BEGIN("runtime/os_thread");

TEST_CASE("a locked goroutine stays on its thread, whatever it waits for") {
  at_each_procs([](Runtime& rt) {
    int moved = 0;
    run_to_end(rt, [&] {
      std::atomic<bool> over{false};
      Chan<int> ping(0);
      Chan<int> pong(0);
      WaitGroup others;
      for (int g = 0; g < 2 * rt.procs(); ++g) {
        others.go([&] {
          while (!over) yield();
        });
      }
      others.go([&] {
        for (const int value : ping) (void)pong.send(value);
      });
      lock_os_thread();
      const pid_t here = gettid();
      Mutex mutex;
      for (int i = 0; i < scaled(100, 20); ++i) {
        (void)ping.send(i);
        moved += gettid() != here;
        (void)pong.recv();
        moved += gettid() != here;
        yield();
        moved += gettid() != here;
        if (i % 10 == 0) sleep(10us);
        moved += gettid() != here;
        blocking([] { usleep(10); });
        moved += gettid() != here;
        const std::lock_guard lock(mutex);
      }
      unlock_os_thread();
      over = true;
      ping.close();
      others.wait();
    });
    CHECK(moved == 0);
  });
}

TEST_CASE("no other goroutine ever runs on the thread of a locked one") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> trespassers{0};
    run_to_end(rt, [&] {
      std::atomic<bool> over{false};
      std::atomic<pid_t> taken{0};
      WaitGroup all;
      for (int g = 0; g < 4 * rt.procs(); ++g) {
        all.go([&] {
          while (!over) {
            trespassers += gettid() == taken;
            yield();
          }
        });
      }
      lock_os_thread();
      taken = gettid();
      for (int i = 0; i < scaled(200, 50); ++i) yield();
      sleep(1ms);
      taken = 0;
      unlock_os_thread();
      over = true;
      all.wait();
    });
    CHECK(trespassers == 0);
  });
}

TEST_CASE("locks nest, and too many unlocks do nothing") {
  at_each_procs([](Runtime& rt) {
    int moved = 0;
    run_to_end(rt, [&] {
      unlock_os_thread();
      lock_os_thread();
      const pid_t here = gettid();
      lock_os_thread();
      unlock_os_thread();
      Chan<Unit> done(0);
      go([done]() mutable { done.close(); });
      (void)done.recv();
      moved += gettid() != here;
      unlock_os_thread();
      unlock_os_thread();
      yield();
    });
    CHECK(moved == 0);
  });
}

TEST_CASE("many locked goroutines wake one another") {
  at_each_procs([](Runtime& rt) {
    constexpr int kGoroutines = 8;
    const int laps = scaled(50, 10);
    int sum = 0;
    std::atomic<int> moved{0};
    run_to_end(rt, [&] {
      std::vector<Chan<int>> ring;
      for (int g = 0; g <= kGoroutines; ++g) ring.emplace_back(0);
      WaitGroup all;
      for (std::size_t g = 0; g < kGoroutines; ++g) {
        all.go([&moved, in = ring[g], out = ring[g + 1]]() mutable {
          lock_os_thread();
          const pid_t here = gettid();
          for (const int value : in) {
            (void)out.send(value + 1);
            moved += gettid() != here;
          }
          out.close();
          unlock_os_thread();
        });
      }
      for (int lap = 0; lap < laps; ++lap) {
        (void)ring.front().send(0);
        sum += *ring.back().recv();
      }
      ring.front().close();
      all.wait();
    });
    CHECK(sum == laps * kGoroutines);
    CHECK(moved == 0);
  });
}

TEST_CASE("a goroutine that ends locked takes its thread with it") {
  at_each_procs([](Runtime& rt) {
    std::set<pid_t> ended;
    int seen_again = 0;
    run_to_end(rt, [&] {
      for (int i = 0; i < 5; ++i) {
        pid_t id = 0;
        WaitGroup one;
        one.go([&] {
          lock_os_thread();
          id = gettid();
        });
        one.wait();
        yield_until("the thread has gone", [&] {
          return access(("/proc/self/task/" + std::to_string(id)).c_str(), F_OK) != 0;
        });
        ended.insert(id);
        WaitGroup others;
        for (int g = 0; g < 10; ++g) {
          others.go([&] {
            if (ended.contains(gettid())) ++seen_again;
          });
        }
        others.wait();
      }
    });
    CHECK(seen_again == 0);
  });
}

TEST_CASE("thread-local state is the locked goroutine's own") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> strange{0};
    run_to_end(rt, [&] {
      pthread_key_t key{};
      strange += pthread_key_create(&key, nullptr) != 0;
      WaitGroup all;
      for (int g = 0; g < 6; ++g) {
        all.go([&] {
          lock_os_thread();
          int mine = 0;
          strange += pthread_setspecific(key, &mine) != 0;
          for (int i = 0; i < scaled(50, 10); ++i) {
            yield();
            strange += pthread_getspecific(key) != &mine;
          }
          strange += pthread_setspecific(key, nullptr) != 0;
          unlock_os_thread();
        });
      }
      all.wait();
      pthread_key_delete(key);
    });
    CHECK(strange == 0);
  });
}

TEST_CASE("locked goroutines that are parked for good are a deadlock like others") {
  at_each_procs([](Runtime& rt) {
    const RunResult result = rt.run([&] {
      Chan<int> never(0);
      go([never]() mutable {
        lock_os_thread();
        (void)never.recv();
      });
      lock_os_thread();
      (void)never.recv();
    });
    CHECK((result.outcome == RunResult::Outcome::kDeadlocked));
    CHECK(result.stuck.size() == 2);
  });
}

TEST_CASE("a locked goroutine neither starves nor is starved by yielding ones") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> others_ran{0};
    run_to_end(rt, [&] {
      std::atomic<bool> over{false};
      WaitGroup all;
      for (int g = 0; g < 3 * rt.procs(); ++g) {
        all.go([&] {
          while (!over) {
            ++others_ran;
            yield();
          }
        });
      }
      lock_os_thread();
      yield_until("the others run", [&] { return others_ran > 1'000; });
      over = true;
      unlock_os_thread();
      all.wait();
    });
    CHECK(others_ran > 1'000);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::os_thread_test
