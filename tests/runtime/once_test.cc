// tests/runtime/once_test.cc - done once, seen by all; a throw is not done.

#include "runtime/once.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>

#include "runtime/sync.h"
#include "tests/support/each_procs.h"

namespace gorun::test::once_test {

namespace {

using namespace gorun::runtime;

}  // namespace

TEST_SUITE_BEGIN("runtime/once");

TEST_CASE("one caller runs the function, and every call returns after it has returned") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> too_soon{0};
    int runs = 0;
    run_to_end(rt, [&] {
      Once once;
      bool finished = false;
      WaitGroup all;
      for (int g = 0; g < 100; ++g) {
        all.go([&] {
          once.call([&] {
            ++runs;
            for (int i = 0; i < 10; ++i) yield();
            finished = true;
          });
          too_soon += !finished;
        });
      }
      all.wait();
      once.call([&] { ++runs; });
    });
    CHECK(runs == 1);
    CHECK(too_soon == 0);
  });
}

TEST_CASE("a function that throws has not done it: its caller gets the exception, the next tries") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> caught{0};
    int attempts = 0;
    bool done_between = true;
    bool done = false;
    run_to_end(rt, [&] {
      Once once;
      WaitGroup all;
      for (int g = 0; g < 10; ++g) {
        all.go([&] {
          try {
            once.call([&] {
              yield();
              if (++attempts <= 3) throw std::runtime_error("not yet");
            });
          } catch (const std::runtime_error&) {
            ++caught;
          }
        });
      }
      all.wait();
      done = once.is_done();
      Once never;
      try {
        never.call([] { throw 1; });
      } catch (int) {
        done_between = never.is_done();
      }
    });
    CHECK(attempts == 4);
    CHECK(caught == 3);
    CHECK(done);
    CHECK_FALSE(done_between);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::once_test
