// tests/runtime/panic_test.cc - what an exception that nobody catches leaves behind.

#include <doctest/doctest.h>

#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/lines.h"

namespace gorun::test::panic_test {

using namespace gorun::runtime;

// With external linkage, so that a backtrace can name them; never inlined, so that it does.
[[gnu::noinline]] void throws(int depth) {
  if (depth == 0) throw std::runtime_error("cannot go on");
  throws(depth - 1);
  asm volatile("");  // not a tail call
}

namespace {

// Prints, so that a test can tell whether frames were unwound before the report.
struct SaysThatItIsGone {
  ~SaysThatItIsGone() { std::fputs("unwound\n", stderr); }
};

}  // namespace

TEST_SUITE_BEGIN("runtime/panic");

TEST_CASE("a panic names the exception, the goroutine, its spawn site and the throw") {
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    Runtime* runtime = nullptr;
    const auto culprit = [&] {
      set_label("the culprit");
      while (runtime->parked() == 0) yield();
      const SaysThatItIsGone witness;
      throws(2);
    };
    const unsigned line = gorun::runtime::SpawnSite::current().line + 7;
    const ChildEnd end = run_in_child([&] {
      Runtime rt({.procs = procs});
      runtime = &rt;
      rt.run([&] {
        WaitGroup all;
        all.add(1);
        go(culprit);
        all.wait();
      });
    });
    CAPTURE(end.errors);
    CHECK(end.signal == SIGABRT);
    const std::vector<std::string> lines = lines_of(end.errors);
    REQUIRE(lines.size() > 6);
    CHECK(
        matches("fatal: panic: std::runtime_error: cannot go on "
                "(goroutine * \"the culprit\", M*, P*)",
                lines[0]));
    CHECK(matches("goroutine * was spawned at tests/runtime/panic_test.cc:" + std::to_string(line),
                  lines[1]));
    CHECK(lines[2] == "goroutines: 1 running; parked: 1 wait group");
    // Innermost first, from the throw (in a cold part without a name) to the bottom of the stack.
    CHECK(matches("  #0  *(gorun_runtime_tests+0x*)", lines[3]));
    CHECK(matches("  #1  gorun::test::panic_test::throws(int) + 0x*", lines[4]));
    CHECK(matches("  #2  gorun::test::panic_test::throws(int) + 0x*", lines[5]));
    CHECK(matches("  #* gorun_context_entry + 0x*", lines.back()));
    CHECK(end.errors.find("unwound") == std::string::npos);
  }
}

TEST_CASE("a panic with something that is no std::exception names its type") {
  const ChildEnd end = run_in_child([] {
    Runtime rt({.procs = 2});
    rt.run([] { throw 42; });
  });
  CAPTURE(end.errors);
  CHECK(end.signal == SIGABRT);
  CHECK(matches("fatal: panic: int (goroutine 1, M*, P*)", lines_of(end.errors)[0]));
}

TEST_CASE("std::terminate() on a goroutine is a panic without an exception") {
  const ChildEnd end = run_in_child([] {
    Runtime rt({.procs = 1});
    rt.run([] { std::terminate(); });
  });
  CAPTURE(end.errors);
  CHECK(end.signal == SIGABRT);
  CHECK(matches("fatal: panic: std::terminate() without an exception (goroutine 1, M0, P0)",
                lines_of(end.errors)[0]));
}

TEST_CASE("outside goroutines std::terminate() is what it was") {
  const ChildEnd end = run_in_child([] {
    std::set_terminate([] {
      std::fputs("my own handler\n", stderr);
      std::_Exit(3);
    });
    Runtime rt({.procs = 2});
    rt.run([] {});
    std::terminate();
  });
  CAPTURE(end.errors);
  CHECK(end.exit_code == 3);
  CHECK(end.errors == "my own handler\n");
}

TEST_CASE("a broken invariant is reported with what every goroutine was doing") {
  const ChildEnd end = run_in_child([] {
    // Deterministic: on a busy machine sysmon may else take the P of whoever is about to fail.
    Runtime rt({.procs = 1, .deterministic = 1});
    rt.run([&] {
      Chan<int> never(0);
      for (int i = 0; i < 3; ++i) go([never]() mutable { (void)never.recv(); });
      while (rt.parked() < 3) yield();
      go([] {});
      set_label("closer");
      Chan<int>().close();
    });
  });
  CAPTURE(end.errors);
  CHECK(end.signal == SIGABRT);
  const std::vector<std::string> lines = lines_of(end.errors);
  REQUIRE(lines.size() > 3);
  CHECK(lines[0] == "fatal: chan: close of a nil channel (goroutine 1 \"closer\", M0, P0)");
  CHECK(lines[1] == "goroutines: 1 running, 1 runnable; parked: 3 chan receive");
  CHECK(matches("  #0  *", lines[2]));
  CHECK(matches("  #* gorun_context_entry + 0x*", lines.back()));
}

TEST_SUITE_END();

}  // namespace gorun::test::panic_test
