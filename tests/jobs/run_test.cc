// What goroutines of a run share, without an executor: the order in which a stage fails and ends.
#include "jobs/run.h"

#include <doctest/doctest.h>

#include "runtime/runtime.h"

namespace gorun::test::jobs_run_test {

namespace {

using namespace gorun::jobs;

Graph two_stages() {
  Graph graph;
  for (const char* name : {"a", "b"}) graph.stages.emplace_back().name = name;
  return graph;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/run");

TEST_CASE("a stage that has ended cannot time out, and one that has timed out does not succeed") {
  for (const bool ends_first : {false, true}) {
    CAPTURE(ends_first);
    const Graph graph = two_stages();
    Run run(graph, nullptr, 1);
    runtime::Runtime rt({.procs = 1});
    rt.run([&] {
      run.run_started();
      run.stage_started(0, 1);
      run.stage_started(1, 1);
      if (ends_first) run.stage_finished(0, StageState::kSucceeded);
      run.fail_unless_ended(0, {FailureKind::kWork, "timed out after 1 s", {}});
      if (!ends_first) run.stage_finished(0, StageState::kSucceeded);
    });
    CHECK(run.is_stopped(run.scope_of(1)) == !ends_first);
    CHECK(run.has_failed() == !ends_first);
    CHECK(run.state(0) == (ends_first ? StageState::kSucceeded : StageState::kFailed));
    CHECK(run.finish({}).stages[0].failure_count == (ends_first ? 0U : 1U));
  }
}

TEST_CASE(
    "a stage that never started took no time, one that a deadlock stopped ended with the run") {
  const Graph graph = two_stages();
  Run run(graph, nullptr, 1);
  runtime::Runtime rt({.procs = 1});
  rt.run([&] {
    run.run_started();
    run.stage_started(1, 1);
    run.stage_finished(0, StageState::kSkipped);
  });
  const Outcome outcome = run.finish({"goroutine 3 waits"});
  CHECK(outcome.stages[0].state == StageState::kSkipped);
  CHECK(outcome.stages[0].started.count() == 0);
  CHECK(outcome.stages[0].ended.count() == 0);
  CHECK(outcome.stages[1].state == StageState::kCancelled);
  CHECK(outcome.stages[1].started.count() > 0);
  CHECK(outcome.stages[1].ended == outcome.elapsed);
}

TEST_SUITE_END();

}  // namespace gorun::test::jobs_run_test
