// tests/runtime/semaphore_test.cc - weighted permits: never too many out, strictly in turn.

#include "runtime/semaphore.h"

#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "runtime/sync.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::semaphore_test {

namespace {

using namespace gorun::runtime;

}  // namespace

TEST_SUITE_BEGIN("runtime/semaphore");

TEST_CASE("never more permits are out than there are, and all come back") {
  at_each_procs([](Runtime& rt) {
    constexpr std::int64_t kPermits = 7;
    std::atomic<std::int64_t> out{0};
    std::atomic<int> too_many{0};
    std::int64_t left = 0;
    run_to_end(rt, [&] {
      Semaphore semaphore(kPermits);
      WaitGroup all;
      for (unsigned g = 0; g < 16; ++g) {
        all.go([&, g] {
          std::mt19937 random(g);
          for (int i = 0; i < scaled(2'000, 100); ++i) {
            const std::int64_t n = random() % (kPermits + 1);
            if (random() % 4 == 0) {
              if (!semaphore.try_acquire(n)) continue;
            } else {
              semaphore.acquire(n);
            }
            too_many += out.fetch_add(n) + n > kPermits;
            if (random() % 4 == 0) yield();
            out -= n;
            semaphore.release(n);
          }
        });
      }
      all.wait();
      left = semaphore.available();
    });
    CHECK(too_many == 0);
    CHECK(left == kPermits);
  });
}

TEST_CASE("a large request is served before smaller ones that came later") {
  at_each_procs([](Runtime& rt) {
    std::vector<std::int64_t> order;
    bool barged = true;
    run_to_end(rt, [&] {
      Semaphore semaphore(5);
      Mutex mutex;
      WaitGroup all;
      semaphore.acquire(1);
      std::size_t waiting = 0;
      for (const std::int64_t n : {5, 1, 2, 3}) {
        all.go([&, n] {
          semaphore.acquire(n);
          mutex.lock();
          order.push_back(n);
          mutex.unlock();
          yield();
          semaphore.release(n);
        });
        wait_until_parked(rt, WaitReason::kSemaphore, ++waiting);
      }
      barged = semaphore.try_acquire(1);  // four are free, but others wait
      semaphore.release(1);
      all.wait();
    });
    CHECK_FALSE(barged);
    REQUIRE(order.size() == 4);
    CHECK(order[0] == 5);
  });
}

TEST_CASE("one release lets in as many as it suffices for") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> in{0};
    bool last_waited = false;
    run_to_end(rt, [&] {
      Semaphore semaphore(6);
      WaitGroup all;
      semaphore.acquire(6);
      for (std::size_t g = 1; g <= 4; ++g) {
        all.go([&] {
          semaphore.acquire(2);
          ++in;
        });
        wait_until_parked(rt, WaitReason::kSemaphore, g);
      }
      semaphore.release(6);
      yield_until("three are in", [&] { return in == 3; });
      last_waited = rt.parked(WaitReason::kSemaphore) == 1;
      semaphore.release(2);
      all.wait();
    });
    CHECK(last_waited);
    CHECK(in == 4);
  });
}

TEST_CASE("acquiring nothing waits its turn and takes nothing") {
  at_each_procs([](Runtime& rt) {
    bool waited = false;
    std::int64_t left = 0;
    run_to_end(rt, [&] {
      Semaphore semaphore(1);
      semaphore.acquire(0);
      semaphore.acquire(1);
      WaitGroup all;
      all.go([&] {
        semaphore.acquire(1);
        semaphore.release(1);
      });
      wait_until_parked(rt, WaitReason::kSemaphore, 1);
      all.go([&] { semaphore.acquire(0); });
      wait_until_parked(rt, WaitReason::kSemaphore, 2);
      waited = true;
      semaphore.release(1);
      all.wait();
      left = semaphore.available();
    });
    CHECK(waited);
    CHECK(left == 1);
  });
}

TEST_CASE("what can never be right aborts and says so") {
  const auto errors_of = [](void (*body)(Semaphore&)) {
    return run_in_child([body] {
             Runtime rt({.procs = 1});
             rt.run([body] {
               Semaphore semaphore(3);
               body(semaphore);
             });
           })
        .errors;
  };
  CHECK(errors_of([](Semaphore& s) {
          s.acquire(4);
        }).find("fatal: semaphore: acquire of 4 of 3 permits") == 0);
  CHECK(errors_of([](Semaphore& s) {
          s.acquire(-1);
        }).find("fatal: semaphore: acquire of -1 of 3 permits") == 0);
  CHECK(errors_of([](Semaphore& s) {
          s.release(1);
        }).find("fatal: semaphore: release of more permits than were taken") == 0);
}

TEST_SUITE_END();

}  // namespace gorun::test::semaphore_test
