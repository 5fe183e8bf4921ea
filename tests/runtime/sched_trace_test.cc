// tests/runtime/sched_trace_test.cc - the lines of GORUN_SCHEDTRACE.

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/timer.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/lines.h"

namespace {

using namespace gorun::runtime;
using namespace gorun::tests;
using namespace std::chrono_literals;

// Ends after `lines` intervals at the earliest, some of them busy, some idle.
void run_for(int procs, int interval_ms, int lines) {
  Runtime rt({.procs = procs, .sched_trace_ms = interval_ms});
  rt.run([=] {
    const Nanos until = now() + lines * interval_ms * 1ms;
    while (now() < until - lines * interval_ms * 500us) yield();
    sleep(until - now());
  });
}

}  // namespace

TEST_SUITE_BEGIN("runtime/sched_trace");

TEST_CASE("a line in Go's words is printed at each interval, idle or busy") {
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    const ChildEnd end = run_in_child([=] { run_for(procs, 10, 30); });
    CAPTURE(end.errors);
    std::string numbers;
    for (int i = 0; i < procs; ++i) numbers += "[0-9]+ ";
    const std::regex line("SCHED ([0-9]+)ms: gomaxprocs=" + std::to_string(procs) +
                          " idleprocs=[0-9]+ threads=[0-9]+ spinningthreads=[0-9]+ needspinning=0"
                          " idlethreads=[0-9]+ runqueue=[0-9]+ \\[ " +
                          numbers + "\\] schedticks=\\[ " + numbers +
                          "\\] steals=[0-9]+ handoffs=[0-9]+ retakes=[0-9]+");
    int count = 0;
    int last_ms = 0;
    for (const std::string& text : lines_of(end.errors)) {
      std::smatch match;
      REQUIRE(std::regex_match(text, match, line));
      const int ms = std::stoi(match[1]);
      CHECK(ms >= last_ms + 1);
      last_ms = ms;
      ++count;
    }
    // A loaded machine may skip lines, but not the run's length: 300 ms.
    CHECK(count >= 2);
    CHECK(count <= 1 + last_ms / 10);
    CHECK(last_ms >= 200);
  }
}

TEST_CASE("GORUN_SCHEDTRACE asks for the lines from outside") {
  const ChildEnd end = run_in_child([] {
    setenv("GORUN_SCHEDTRACE", "5", 1);
    Runtime rt({.procs = 2});
    rt.run([] { sleep(50ms); });
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
