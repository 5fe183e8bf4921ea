// tests/runtime/deadline_test.cc - the cancellation tree and time: deadlines, causes, lifetimes.

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <vector>

#include "runtime/blocking.h"
#include "runtime/cancel.h"
#include "runtime/runtime.h"
#include "runtime/sched/sched.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::deadline_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

}  // namespace

TEST_SUITE_BEGIN("runtime/cancel");

TEST_CASE("a deadline cancels its node and all below it, not before its time, and says why") {
  at_each_procs([](Runtime& rt) {
    bool early = false;
    std::vector<CancelCause> causes;
    run_to_end(rt, [&] {
      const Cancel root;
      const Nanos start = now();
      const Cancel node = root.with_timeout(2ms);
      const Cancel below = node.child().child();
      (void)below.done().recv();
      early = now() - start < 2ms;
      for (const Cancel& c : {root, node, below}) causes.push_back(c.cause());
    });
    CHECK_FALSE(early);
    CHECK(causes == std::vector<CancelCause>{CancelCause::kNone, CancelCause::kDeadlineExceeded,
                                             CancelCause::kDeadlineExceeded});
  });
}

TEST_CASE("the first cause stays") {
  at_each_procs([](Runtime& rt) {
    CancelCause cancelled = CancelCause::kNone;
    CancelCause late = CancelCause::kNone;
    run_to_end(rt, [&] {
      const Cancel root;
      const Cancel first = root.with_timeout(1h);
      first.cancel();
      cancelled = first.cause();
      const Cancel second = root.with_timeout(1us);
      (void)second.done().recv();
      root.cancel();
      second.cancel();
      late = second.cause();
    });
    CHECK((cancelled == CancelCause::kCancelled));
    CHECK((late == CancelCause::kDeadlineExceeded));
  });
}

TEST_CASE("the deadline of a node is the earliest of its own and those above") {
  at_each_procs([](Runtime& rt) {
    bool none = false;
    bool own = false;
    bool inherited = false;
    bool kept = false;
    run_to_end(rt, [&] {
      const Cancel root;
      none = !root.deadline().has_value() && !root.child().deadline().has_value();
      const Nanos far = now() + 1h;
      const Cancel node = root.with_deadline(far);
      own = node.deadline() == far;
      inherited = node.child().deadline() == far;
      kept = node.with_deadline(far + 1h).deadline() == far;
    });
    CHECK(none);
    CHECK(own);
    CHECK(inherited);
    CHECK(kept);
  });
}

TEST_CASE("a deadline that has passed cancels at birth") {
  at_each_procs([](Runtime& rt) {
    std::vector<CancelCause> causes;
    run_to_end(rt, [&] {
      const Cancel root;
      causes.push_back(root.with_timeout(Nanos{0}).cause());
      causes.push_back(root.with_deadline(now() - 1s).cause());
      root.cancel();
      causes.push_back(root.with_timeout(1h).cause());
    });
    CHECK(causes == std::vector<CancelCause>{CancelCause::kDeadlineExceeded,
                                             CancelCause::kDeadlineExceeded,
                                             CancelCause::kCancelled});
  });
}

TEST_CASE("nodes between that nobody holds pass cancellation and deadlines on") {
  at_each_procs([](Runtime& rt) {
    bool cancelled = false;
    bool expired = false;
    run_to_end(rt, [&] {
      const Cancel root;
      const Cancel leaf = root.child().child().child();
      const Cancel timed = root.with_timeout(1ms).child();
      (void)timed.done().recv();
      expired = timed.cause() == CancelCause::kDeadlineExceeded;
      root.cancel();
      cancelled = leaf.is_cancelled();
    });
    CHECK(cancelled);
    CHECK(expired);
  });
}

TEST_CASE("a dropped node's deadline is dropped with it, and pending ones do not hold the run up") {
  at_each_procs([](Runtime& rt) {
    const Nanos start = now();
    std::optional<Cancel> outlives;
    run_to_end(rt, [&] {
      const Cancel root;
      for (int i = 0; i < scaled(20'000, 1'000); ++i) (void)root.with_timeout(1h);
      for (int i = 0; i < scaled(5'000, 500); ++i) (void)root.with_timeout(Nanos{i * 10});
      outlives = root.with_timeout(1h);
    });
    CHECK(now() - start < 30min);
    CHECK_FALSE(outlives->is_cancelled());
    outlives.reset();
  });
}

TEST_CASE("the last handle on a node may be dropped in a blocking section") {
  for (const Blocking kind : {Blocking::kBrief, Blocking::kLong}) {
    CAPTURE(kind == Blocking::kLong);
    at_each_procs([kind](Runtime& rt) {
      bool are_deadlines_gone = false;
      run_to_end(rt, [&] {
        const Cancel root;
        WaitGroup all;
        for (int g = 0; g < 8; ++g) {
          all.go([&] {
            for (int i = 0; i < scaled(200, 20); ++i) {
              std::optional<Cancel> expiring = root.with_timeout(Nanos{i * 100});
              std::optional<Cancel> below = root.with_timeout(1h).child();
              blocking(kind, [&] {
                expiring.reset();
                below.reset();
              });
              if (i % 5 == 0) yield();
            }
          });
        }
        all.wait();
        are_deadlines_gone = sched->earliest_timer() == TimerHeap::kNever;
      });
      CHECK(are_deadlines_gone);
    });
  }
}

TEST_CASE("a very long chain is cancelled and dropped without a deep stack") {
  at_each_procs([](Runtime& rt) {
    bool reached = false;
    run_to_end(rt, [&] {
      const Cancel root;
      Cancel leaf = root;
      for (int i = 0; i < scaled(20'000, 5'000); ++i) leaf = leaf.child();
      root.cancel();
      reached = leaf.is_cancelled();
    });
    CHECK(reached);
  });
}

TEST_CASE("sleep_or_cancelled ends by time or by cancellation, and tells which") {
  at_each_procs([](Runtime& rt) {
    std::vector<SleepEnd> ends;
    bool early = false;
    run_to_end(rt, [&] {
      const Cancel root;
      const Nanos start = now();
      ends.push_back(sleep_or_cancelled(2ms, root));
      early = now() - start < 2ms;
      go([root] { root.cancel(); });
      ends.push_back(sleep_or_cancelled(1h, root));
      ends.push_back(sleep_or_cancelled(1h, root));
    });
    CHECK(ends ==
          std::vector<SleepEnd>{SleepEnd::kElapsed, SleepEnd::kCancelled, SleepEnd::kCancelled});
    CHECK_FALSE(early);
  });
}

TEST_CASE("nodes come, expire, are cancelled and dropped from everywhere at once") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> unreached{0};
    run_to_end(rt, [&] {
      for (int round = 0; round < scaled(100, 20); ++round) {
        const Cancel root;
        WaitGroup all;
        for (int g = 0; g < 8; ++g) {
          all.go([&unreached, root, g] {
            Cancel node = root;
            for (int i = 0; i < 20; ++i) {
              Cancel next = i % 2 == 0 ? node.child() : node.with_timeout(Nanos{500 * i * g});
              if (i % 5 == 4) yield();
              if (i % 7 == 6) node = root;
              if ((i + g) % 9 == 8) next.cancel();
              node = next;
            }
            (void)node.done().recv();
            unreached += !node.is_cancelled();
          });
        }
        yield();
        root.cancel();
        all.wait();
      }
    });
    CHECK(unreached == 0);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::deadline_test
