// tests/runtime/semaphore_cancel_test.cc - waits for permits that are cancelled.

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <vector>

#include "runtime/cancel.h"
#include "runtime/runtime.h"
#include "runtime/semaphore.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::semaphore_cancel_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

}  // namespace

TEST_SUITE_BEGIN("runtime/semaphore");

TEST_CASE("a wait for permits ends with its Cancel, and has taken nothing") {
  at_each_procs([](Runtime& rt) {
    AcquireEnd end = AcquireEnd::kAcquired;
    std::int64_t left = -1;
    run_to_end(rt, [&] {
      Semaphore semaphore(3);
      const Cancel cancel;
      semaphore.acquire(2);
      WaitGroup waiting;
      waiting.go([&] { end = semaphore.acquire_or_cancelled(cancel, 2); });
      wait_until_parked(rt, WaitReason::kSemaphore, 1);
      cancel.cancel();
      waiting.wait();
      semaphore.release(2);
      left = semaphore.available();
    });
    CHECK((end == AcquireEnd::kCancelled));
    CHECK(left == 3);
  });
}

TEST_CASE("a wait for permits ends at the deadline of its Cancel, not before") {
  at_each_procs([](Runtime& rt) {
    AcquireEnd end = AcquireEnd::kAcquired;
    CancelCause cause = CancelCause::kNone;
    Nanos took{0};
    run_to_end(rt, [&] {
      Semaphore semaphore(1);
      semaphore.acquire();
      const Cancel root;
      const Nanos start = now();
      const Cancel limit = root.with_timeout(20ms);
      end = semaphore.acquire_or_cancelled(limit);
      took = now() - start;
      cause = limit.cause();
    });
    CHECK((end == AcquireEnd::kCancelled));
    CHECK((cause == CancelCause::kDeadlineExceeded));
    CHECK(took >= 20ms);
  });
}

TEST_CASE("free permits are taken at once, but not for a Cancel that is cancelled already") {
  at_each_procs([](Runtime& rt) {
    AcquireEnd first = AcquireEnd::kCancelled, second = AcquireEnd::kAcquired;
    std::int64_t left = -1;
    run_to_end(rt, [&] {
      Semaphore semaphore(2);
      const Cancel cancel;
      first = semaphore.acquire_or_cancelled(cancel);
      cancel.cancel();
      second = semaphore.acquire_or_cancelled(cancel);
      left = semaphore.available();
    });
    CHECK((first == AcquireEnd::kAcquired));
    CHECK((second == AcquireEnd::kCancelled));
    CHECK(left == 1);
  });
}

TEST_CASE("those behind a large request get their turn when that is cancelled") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> served{0};
    int before = -1;
    run_to_end(rt, [&] {
      Semaphore semaphore(4);
      const Cancel cancel;
      semaphore.acquire(2);
      WaitGroup all;
      all.go([&] { (void)semaphore.acquire_or_cancelled(cancel, 4); });
      wait_until_parked(rt, WaitReason::kSemaphore, 1);
      for (int i = 0; i < 2; ++i) {
        all.go([&] {
          semaphore.acquire(1);
          ++served;
        });
        wait_until_parked(rt, WaitReason::kSemaphore, static_cast<std::size_t>(i) + 2);
      }
      before = served;
      cancel.cancel();
      all.wait();
    });
    CHECK(before == 0);
    CHECK(served == 2);
  });
}

TEST_CASE("a semaphore may go once everybody who waited has been let in") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(500, 50);
    int acquired = 0;
    run_to_end(rt, [&] {
      const Cancel cancel;
      for (int i = 0; i < rounds; ++i) {
        auto semaphore = std::make_unique<Semaphore>(1);
        semaphore->acquire();
        go([&semaphore] { semaphore->release(); });
        acquired += semaphore->acquire_or_cancelled(cancel) == AcquireEnd::kAcquired ? 1 : 0;
        semaphore.reset();
      }
    });
    CHECK(acquired == rounds);
  });
}

TEST_CASE("when cancellation races with a release every permit is somebody's or free") {
  at_each_procs([](Runtime& rt) {
    constexpr std::int64_t kPermits = 3;
    std::atomic<std::int64_t> out{0};
    std::atomic<int> too_many{0}, acquired{0}, cancelled{0};
    std::int64_t left = -1;
    run_to_end(rt, [&] {
      Semaphore semaphore(kPermits);
      WaitGroup all;
      for (unsigned g = 0; g < 12; ++g) {
        all.go([&, g] {
          std::mt19937 random(g);
          for (int i = 0; i < scaled(1'000, 60); ++i) {
            const std::int64_t n = random() % (kPermits + 1);
            const Cancel cancel;
            WaitGroup cancelling;
            if (random() % 2 == 0) {
              cancelling.go([&cancel, turns = random() % 8] {
                for (unsigned t = 0; t < turns; ++t) yield();
                cancel.cancel();
              });
            }
            if (semaphore.acquire_or_cancelled(cancel, n) == AcquireEnd::kAcquired) {
              ++acquired;
              too_many += out.fetch_add(n) + n > kPermits;
              if (random() % 2 == 0) yield();
              out -= n;
              semaphore.release(n);
            } else {
              ++cancelled;
            }
            cancelling.wait();
          }
        });
      }
      all.wait();
      left = semaphore.available();
    });
    CHECK(too_many == 0);
    CHECK(left == kPermits);
    CHECK(acquired > 0);
    CHECK(acquired + cancelled == 12 * scaled(1'000, 60));
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::semaphore_cancel_test
