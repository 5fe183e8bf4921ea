// tests/runtime/group_test.cc - the first error is the error, and it stops the others.

#include "runtime/group.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/chan.h"
#include "runtime/select.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::group_test {

namespace {

using namespace gorun::runtime;

std::string text_of(const std::exception_ptr& error) {
  if (error == nullptr) return "none";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

std::exception_ptr error_of(const char* text) {
  return std::make_exception_ptr(std::runtime_error(text));
}

}  // namespace

TEST_SUITE_BEGIN("runtime/group");

TEST_CASE("wait returns after the last goroutine, and nothing when none failed") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> ended{0};
    int ended_at_wait = 0;
    bool failed = true;
    bool cancelled_before = true;
    bool cancelled_after = false;
    run_to_end(rt, [&] {
      Group group;
      for (int i = 0; i < 100; ++i) {
        group.go([&] {
          yield();
          ++ended;
        });
        group.go([&]() -> std::exception_ptr {
          ++ended;
          return nullptr;
        });
      }
      cancelled_before = group.cancel().is_cancelled();
      failed = group.wait() != nullptr;
      ended_at_wait = ended;
      cancelled_after = group.cancel().is_cancelled();
    });
    CHECK(ended_at_wait == 200);
    CHECK_FALSE(failed);
    CHECK_FALSE(cancelled_before);
    CHECK(cancelled_after);
  });
}

TEST_CASE("the first error, thrown or returned, cancels the rest and is what wait returns") {
  at_each_procs([](Runtime& rt) {
    std::vector<std::string> got;
    std::atomic<int> cancelled{0};
    run_to_end(rt, [&] {
      for (const bool thrown : {false, true}) {
        Group group;
        for (int i = 0; i < 20; ++i) {
          group.go([&]() -> std::exception_ptr {
            (void)group.cancel().done().recv();
            ++cancelled;
            return error_of("a consequence");
          });
        }
        wait_until_parked(rt, WaitReason::kChanRecv, 20);
        if (thrown) {
          group.go([] { throw std::runtime_error("thrown"); });
        } else {
          group.go([] { return error_of("returned"); });
        }
        got.push_back(text_of(group.wait()));
      }
    });
    CHECK(got == std::vector<std::string>{"returned", "thrown"});
    CHECK(cancelled == 40);
  });
}

TEST_CASE("a group is cancelled with its parent, and does not cancel it") {
  at_each_procs([](Runtime& rt) {
    bool parent_cancelled = true;
    bool reached = false;
    run_to_end(rt, [&] {
      const Cancel parent;
      {
        Group failing(parent);
        failing.go([] { return error_of("no matter"); });
        (void)failing.wait();
        parent_cancelled = parent.is_cancelled();
      }
      Group group(parent);
      group.go([&] { reached = group.cancel().done().recv().status == ChanStatus::kClosed; });
      parent.cancel();
      (void)group.wait();
    });
    CHECK_FALSE(parent_cancelled);
    CHECK(reached);
  });
}

TEST_CASE("limit: never more at a time, go waits for room, try_go does not") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> most{0};
    std::atomic<int> ran{0};
    bool refused = false;
    run_to_end(rt, [&] {
      Group group;
      group.limit(3);
      std::atomic<int> running{0};
      for (int i = 0; i < scaled(300, 50); ++i) {
        group.go([&] {
          const int now_running = ++running;
          int seen = most;
          while (seen < now_running && !most.compare_exchange_weak(seen, now_running)) continue;
          yield();
          ++ran;
          --running;
        });
      }
      if (group.wait() != nullptr) ran = -1;
      Group full;
      full.limit(1);
      Chan<Unit> leave(0);
      full.go([leave]() mutable { (void)leave.recv(); });
      refused = !full.try_go([&] { ran = -1; });
      leave.close();
      (void)full.wait();
      if (!full.try_go([] {})) ran = -1;
    });
    CHECK(most <= 3);
    CHECK(ran == scaled(300, 50));
    CHECK(refused);
  });
}

TEST_CASE("a group that goes out of scope cancels its goroutines and waits for them") {
  at_each_procs([](Runtime& rt) {
    int ended = 0;
    std::string caught;
    run_to_end(rt, [&] {
      try {
        Group group;
        group.go([&] {
          (void)group.cancel().done().recv();
          yield();
          ++ended;
        });
        throw std::runtime_error("on the way out");
      } catch (const std::runtime_error& e) {
        caught = e.what();
        ++ended;
      }
    });
    CHECK(ended == 2);
    CHECK(caught == "on the way out");
  });
}

TEST_CASE("goroutines of a group start others in it") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> ran{0};
    std::string error;
    run_to_end(rt, [&] {
      Group group;
      const std::function<void(int)> split = [&](int depth) {
        ++ran;
        if (depth == 0) return;
        group.go([&, depth] { split(depth - 1); });
        group.go([&, depth] { split(depth - 1); });
      };
      group.go([&] { split(8); });
      error = text_of(group.wait());
    });
    CHECK(ran == 511);
    CHECK(error == "none");
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::group_test
