// tests/runtime/sched_trace_test.cc - the lines of GORUN_SCHEDTRACE.

#include <doctest/doctest.h>

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include "runtime/blocking.h"
#include "runtime/runtime.h"
#include "runtime/wait_group.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/lines.h"

namespace gorun::test::sched_trace_test {

namespace {

using namespace gorun::runtime;

// In a child: a run that lasts until `wanted` lines were printed while a goroutine computed, if it
// is to be `busy`, or while every P was idle. Sends the lines on to standard error.
void run_until_printed(const Options& options, int wanted, bool busy) {
  int ends[2];
  const int errors = dup(STDERR_FILENO);
  if (errors < 0 || pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0) std::_Exit(77);
  std::string text;
  {
    Runtime rt(options);
    rt.run([&] {
      std::atomic<bool> done{false};
      WaitGroup all;
      if (busy) {
        all.go([&] {
          while (!done) yield();
        });
      }
      blocking([&] {
        for (int lines = 0; lines < wanted;) {
          char c = 0;
          if (read(ends[0], &c, 1) != 1) std::_Exit(78);
          text += c;
          lines += c == '\n' ? 1 : 0;
        }
      });
      done = true;
      all.wait();
    });
  }
  dup2(errors, STDERR_FILENO);
  std::fputs(text.c_str(), stderr);
}

}  // namespace

TEST_SUITE_BEGIN("runtime/sched_trace");

TEST_CASE("lines in Go's words are printed at intervals, idle or busy") {
  for (const int procs : kProcsUnderTest) {
    for (const bool busy : {false, true}) {
      CAPTURE(procs);
      CAPTURE(busy);
      const ChildEnd end =
          run_in_child([=] { run_until_printed({.procs = procs, .sched_trace_ms = 2}, 5, busy); });
      CAPTURE(end.errors);
      CHECK(end.exit_code == 0);
      std::string numbers;
      for (int i = 0; i < procs; ++i) numbers += "[0-9]+ ";
      const std::regex line("SCHED ([0-9]+)ms: gomaxprocs=" + std::to_string(procs) +
                            " idleprocs=[0-9]+ threads=[0-9]+ spinningthreads=[0-9]+"
                            " needspinning=0 idlethreads=[0-9]+ runqueue=[0-9]+ \\[ " +
                            numbers + "\\] schedticks=\\[ " + numbers +
                            "\\] steals=[0-9]+ handoffs=[0-9]+ retakes=[0-9]+");
      const std::vector<std::string> lines = lines_of(end.errors);
      CHECK(lines.size() == 5);
      int last_ms = 0;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        std::smatch match;
        REQUIRE(std::regex_match(lines[i], match, line));
        const int ms = std::stoi(match[1]);
        CHECK(ms >= last_ms);
        CHECK(ms >= static_cast<int>(i + 1) * 2);  // never more often than asked for
        last_ms = ms;
      }
    }
  }
}

TEST_CASE("GORUN_SCHEDTRACE asks for the lines from outside") {
  const ChildEnd end = run_in_child([] {
    setenv("GORUN_SCHEDTRACE", "5", 1);
    run_until_printed({.procs = 2}, 1, false);
  });
  CAPTURE(end.errors);
  CHECK(end.exit_code == 0);
  CHECK(matches("SCHED *ms: gomaxprocs=2 *", end.errors));
}

TEST_CASE("a GORUN_SCHEDTRACE that is no number of milliseconds is refused") {
  const ChildEnd end = run_in_child([] {
    setenv("GORUN_SCHEDTRACE", "often", 1);
    const Runtime rt({.procs = 2});
  });
  CHECK(lines_of(end.errors).at(0) ==
        "fatal: GORUN_SCHEDTRACE is \"often\"; it must be a number from 1 to 3600000");
}

TEST_SUITE_END();

}  // namespace gorun::test::sched_trace_test
