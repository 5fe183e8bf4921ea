// tests/cli/report_test.cc - the end of a run, in words and as an exit status.

#include "cli/report.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>

namespace gorun::test::report_test {

using namespace gorun::cli;
using namespace gorun::jobs;

namespace {

StageOutcome ended(std::string name, StageState state) {
  StageOutcome stage;
  stage.name = std::move(name);
  stage.state = state;
  return stage;
}

Outcome ci_run() {
  Outcome outcome;
  outcome.state = RunState::kFailed;
  outcome.elapsed = std::chrono::milliseconds(1200);
  outcome.stages = {ended("configure", StageState::kSucceeded), ended("test", StageState::kFailed),
                    ended("lint", StageState::kCancelled), ended("package", StageState::kSkipped)};
  outcome.stages[1].failures = {{FailureKind::kWork, "exit status 2", ""}};
  return outcome;
}

Graph graph_of(const Outcome& outcome) {
  Graph graph;
  graph.stages.resize(outcome.stages.size());
  return graph;
}

}  // namespace

TEST_SUITE_BEGIN("cli/report");

TEST_CASE("the closing line names what failed and counts the rest") {
  const Screen screen(STDERR_FILENO, false);
  const Outcome outcome = ci_run();
  CHECK(closing_line(screen, graph_of(outcome), outcome) ==
        "gorun: failed: stage \"test\"; 1 succeeded, 1 cancelled, 1 skipped, in 1.20 s\n");
}

TEST_CASE("the closing line says what was up to date") {
  const Screen screen(STDERR_FILENO, false);
  Outcome outcome;
  outcome.elapsed = std::chrono::milliseconds(1200);
  outcome.stages = {ended("a", StageState::kSucceeded), ended("b", StageState::kSucceeded)};
  outcome.stages[0].up_to_date_count = 1;
  CHECK(closing_line(screen, graph_of(outcome), outcome) ==
        "gorun: ok: 2 stages, 1 stage up to date in 1.20 s\n");
  outcome.stages[1].up_to_date_count = 2;
  outcome.stages[1].counts.items_in = 3;
  CHECK(closing_line(screen, graph_of(outcome), outcome) ==
        "gorun: ok: 2 stages, 1 stage and 2 items up to date in 1.20 s\n");
  CHECK(state_word(outcome.stages[0]) == "up to date");
  CHECK(state_word(outcome.stages[1]) == "succeeded");
}

TEST_CASE("the closing line of a success does not count what was skipped as ok") {
  const Screen screen(STDERR_FILENO, false);
  Outcome outcome;
  outcome.elapsed = std::chrono::milliseconds(1200);
  outcome.stages = {ended("a", StageState::kSucceeded), ended("b", StageState::kSucceeded),
                    ended("on_failure", StageState::kSkipped)};
  CHECK(closing_line(screen, graph_of(outcome), outcome) ==
        "gorun: ok: 2 succeeded, 1 skipped in 1.20 s\n");
  outcome.stages[0].up_to_date_count = 1;
  outcome.stages[1].counts.items_out = 5;
  CHECK(closing_line(screen, graph_of(outcome), outcome) ==
        "gorun: ok: 2 succeeded, 1 skipped, 5 items, 1 stage up to date in 1.20 s\n");
}

TEST_CASE("the bottleneck is the busiest stage, and who waits for it the longest is named") {
  using std::chrono::milliseconds;
  Outcome outcome;
  CHECK(bottleneck_line(outcome).empty());
  outcome.stages = {ended("text", StageState::kSucceeded), ended("words", StageState::kSucceeded),
                    ended("idle", StageState::kSkipped)};
  for (StageOutcome& stage : outcome.stages) {
    stage.started = milliseconds(1000);
    stage.ended = milliseconds(2000);
  }
  outcome.stages[0].goroutines = 1;
  outcome.stages[0].counts.busy = milliseconds(170);
  outcome.stages[1].goroutines = 2;
  outcome.stages[1].counts.busy = milliseconds(1949);
  CHECK(bottleneck_line(outcome) == "gorun: bottleneck: stage \"words\" 97 % busy\n");
  outcome.stages[0].counts.waiting_out = milliseconds(839);
  CHECK(bottleneck_line(outcome) ==
        "gorun: bottleneck: stage \"words\" 97 % busy; stage \"text\" blocked on send 83 %\n");
  outcome.stages[1].counts.waiting_out = milliseconds(1980);  // between its own parts
  CHECK(bottleneck_line(outcome) ==
        "gorun: bottleneck: stage \"words\" 97 % busy; stage \"text\" blocked on send 83 %\n");
}

TEST_CASE("of many failed stages the first are named") {
  const Screen screen(STDERR_FILENO, false);
  Outcome outcome = ci_run();
  outcome.stages.assign(7, ended("s", StageState::kFailed));
  CHECK(closing_line(screen, graph_of(outcome), outcome) ==
        "gorun: failed: stages \"s\", \"s\", \"s\", \"s\", \"s\" and 2 more, in 1.20 s\n");
}

TEST_CASE("success counts what the sources sent") {
  const Screen screen(STDERR_FILENO, false);
  Outcome outcome = ci_run();
  outcome.state = RunState::kSucceeded;
  for (StageOutcome& stage : outcome.stages) stage.state = StageState::kSucceeded;
  outcome.stages[0].counts.items_out = 1234;
  outcome.stages[1].counts.items_out = 99;
  Graph graph = graph_of(outcome);
  for (std::size_t i = 1; i < graph.stages.size(); ++i) graph.stages[i].inputs = {0};
  CHECK(closing_line(screen, graph, outcome) == "gorun: ok: 4 stages, 1,234 items in 1.20 s\n");
}

TEST_CASE("a failure names its stage, and its item where the message does not") {
  const Screen screen(STDERR_FILENO, false);
  CHECK(
      failure_line(screen, "hash", {FailureKind::kWork, "cannot read \"a\": no such file", "a"}) ==
      "gorun: error: stage \"hash\" failed: cannot read \"a\": no such file\n");
  CHECK(failure_line(screen, "cc", {FailureKind::kWork, "exit status 1", "b\x1b.c"}) ==
        "gorun: error: stage \"cc\" failed: exit status 1 (item \"b\\x1b.c\")\n");
}

TEST_CASE("colours only where the screen shows them") {
  const Screen screen(STDERR_FILENO, true);
  CHECK(failure_line(screen, "a", {FailureKind::kWork, "no", ""}) ==
        "gorun: \x1b[31merror:\x1b[0m stage \"a\" failed: no\n");
}

TEST_CASE("a deadlock lists who waits") {
  const Screen screen(STDERR_FILENO, false);
  Outcome outcome = ci_run();
  CHECK(deadlock_lines(screen, outcome).empty());
  outcome.state = RunState::kDeadlocked;
  outcome.stuck = {"goroutine 3 waits"};
  CHECK(deadlock_lines(screen, outcome) ==
        "gorun: error: deadlock: every goroutine waits for another one\n  goroutine 3 waits\n");
}

TEST_CASE("the table shows where the time of a stage went") {
  Outcome outcome = ci_run();
  outcome.stages.resize(1);
  outcome.stages[0].counts = {12,
                              34,
                              2048,
                              std::chrono::seconds(1),
                              std::chrono::milliseconds(5),
                              std::chrono::nanoseconds(0)};
  CHECK(
      stage_table(outcome) ==
      "  stage     state     items in items out    bytes   busy no input slow reader channel full "
      "at most\n"
      "  configure succeeded       12        34 2.00 KiB 1.00 s  5.00 ms     0.00 ms            - "
      "      -\n");
  outcome.stages[0].channels = {{.capacity = 8, .mean = 0.1, .most = 1},
                                {.capacity = 4, .mean = 0.786, .most = 0.999}};
  CHECK(
      stage_table(outcome) ==
      "  stage     state     items in items out    bytes   busy no input slow reader channel full "
      "at most\n"
      "  configure succeeded       12        34 2.00 KiB 1.00 s  5.00 ms     0.00 ms         78 % "
      "   99 %\n");
}

TEST_CASE("the exit status tells how it ended") {
  Outcome outcome = ci_run();
  CHECK(exit_code(outcome, 0) == ExitCode::kFailed);
  outcome.stages[1].failures[0].kind = FailureKind::kOutput;
  CHECK(exit_code(outcome, 0) == ExitCode::kOutput);
  outcome.stages[1].failures[0].kind = FailureKind::kInternal;
  CHECK(exit_code(outcome, 0) == ExitCode::kInternal);

  outcome = ci_run();
  outcome.state = RunState::kSucceeded;
  CHECK(exit_code(outcome, 0) == ExitCode::kOk);
  outcome.state = RunState::kDeadlocked;
  CHECK(exit_code(outcome, 0) == ExitCode::kDeadlock);
  outcome.state = RunState::kInterrupted;
  CHECK(exit_code(outcome, SIGINT) == ExitCode::kInterrupted);
  CHECK(exit_code(outcome, SIGTERM) == ExitCode::kTerminated);
  CHECK(exit_code(outcome, SIGHUP) == ExitCode::kHungUp);
}

TEST_SUITE_END();

}  // namespace gorun::test::report_test
