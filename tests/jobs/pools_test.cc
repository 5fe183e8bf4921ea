// tests/jobs/pools_test.cc - places in pools, and stages that run in spite of a failure.

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>

#include "jobs/interrupt.h"
#include "runtime/runtime.h"
#include "tests/jobs/probe_graph.h"

namespace gorun::test::pools_test {

using gorun::jobs::Failure;
using gorun::jobs::Interrupt;
using gorun::jobs::Outcome;
using gorun::jobs::RunState;
using gorun::jobs::StageState;
using gorun::jobs::When;

namespace {

// Counts how many are at work at the same time, weighted.
struct Crowd {
  std::atomic<long> now{0};
  std::atomic<long> most{0};
  std::atomic<long> items{0};

  // An operator that lets others run in the middle of its work.
  Probe works(long weight, int workers) {
    return {.process =
                [this, weight](Context&, Batch&& batch, Out& out) {
                  const long at_work = now.fetch_add(weight) + weight;
                  long before = most.load();
                  while (before < at_work && !most.compare_exchange_weak(before, at_work)) {
                  }
                  items.fetch_add(static_cast<long>(batch.size()));
                  for (int i = 0; i < 3; ++i) gorun::runtime::yield();
                  now.fetch_sub(weight);
                  return out.send(std::move(batch));
                },
            .traits = {.workers = workers, .batch_items = 1}};
  }
};

Probe fails() {
  return {.run = [](Context& context, Out&) {
    static_cast<void>(context.fail({.what = "on purpose", .item = {}}));
  }};
}

Probe does(std::atomic<int>* times, std::string* status = nullptr) {
  return {.run = [times, status](Context& context, Out&) {
    times->fetch_add(1);
    if (status != nullptr) *status = context.run_status();
  }};
}

}  // namespace

TEST_SUITE_BEGIN("jobs/pools");

TEST_CASE("no more workers are at work than a pool has places, over all its stages") {
  for (const int procs : {1, 2, 8}) {
    CAPTURE(procs);
    Crowd crowd;
    ProbeGraph graph;
    const std::size_t pool = graph.add_pool(5);
    graph.add("n", numbers(200))
        .add("a", crowd.works(1, 8), {.from = {"n"}, .pool = pool})
        .add("b", crowd.works(2, 8), {.from = {"n"}, .pool = pool, .weight = 2});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(crowd.items == 400);
    CHECK(crowd.most <= 5);
    CHECK(crowd.now == 0);
  }
}

TEST_CASE("stages of one pool that wait for each other's items do not hold its places") {
  for (const int procs : {1, 2, 8}) {
    CAPTURE(procs);
    Crowd crowd;
    ProbeGraph graph;
    const std::size_t pool = graph.add_pool(1);
    Probe source = numbers(500);
    graph.add("n", std::move(source), {.pool = pool})
        .add("a", crowd.works(1, 4), {.from = {"n"}, .buffer = 1, .pool = pool})
        .add("b", crowd.works(1, 4), {.from = {"a"}, .buffer = 1, .pool = pool})
        .add("c", crowd.works(1, 4), {.from = {"b"}, .buffer = 1, .pool = pool});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(crowd.items == 1500);
    CHECK(crowd.most <= 1);
  }
}

TEST_CASE("a failure ends those who wait for a place") {
  ProbeGraph graph;
  const std::size_t pool = graph.add_pool(1);
  Crowd crowd;
  graph.add("n", numbers(-1))
      .add("a", crowd.works(1, 8), {.from = {"n"}, .pool = pool})
      .add("bad", fails());
  const Outcome outcome = graph.run(4);
  CHECK(outcome.state == RunState::kFailed);
  CHECK(outcome.stages[1].state == StageState::kCancelled);
}

TEST_CASE("an exception in a worker does not keep its places") {
  ProbeGraph graph;
  const std::size_t pool = graph.add_pool(1);
  Probe throws = {.process = [](Context&, Batch&&, Out&) -> Flow { throw std::runtime_error("x"); },
                  .traits = {.workers = 8, .batch_items = 1}};
  graph.add("n", numbers(100)).add("a", std::move(throws), {.from = {"n"}, .pool = pool});
  const Outcome outcome = graph.run(4);
  CHECK(outcome.state == RunState::kFailed);
  CHECK(outcome.stages[1].state == StageState::kFailed);
}

TEST_CASE("after a failure those run that ask for it") {
  for (const int procs : {1, 2, 8}) {
    CAPTURE(procs);
    std::atomic<int> always{0};
    std::atomic<int> on_failure{0};
    std::atomic<int> on_success{0};
    std::atomic<int> after{0};
    std::string status;
    ProbeGraph graph;
    graph.add("bad", fails())
        .add("never", does(&on_success), {.needs = {"bad"}})
        .add("always", does(&always, &status), {.needs = {"bad"}, .when = When::kAlways})
        .add("on_failure", does(&on_failure), {.needs = {"never"}, .when = When::kFailure})
        .add("after", does(&after), {.needs = {"always"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kFailed);
    CHECK(always == 1);
    CHECK(on_failure == 1);  // "never" did not succeed
    CHECK(on_success == 0);
    CHECK(after == 1);
    CHECK(status == "failure");
    CHECK(outcome.stages[1].state == StageState::kSkipped);
    CHECK(outcome.stages[2].state == StageState::kSucceeded);
  }
}

TEST_CASE("without a failure those run that do not ask for one") {
  std::atomic<int> good{0};
  std::atomic<int> always{0};
  std::atomic<int> on_failure{0};
  std::string status;
  ProbeGraph graph;
  graph.add("good", does(&good))
      .add("always", does(&always, &status), {.needs = {"good"}, .when = When::kAlways})
      .add("on_failure", does(&on_failure), {.needs = {"good"}, .when = When::kFailure})
      .add("then", does(&on_failure), {.needs = {"on_failure"}});
  const Outcome outcome = graph.run(2);
  CHECK(outcome.state == RunState::kSucceeded);
  CHECK(always == 1);
  CHECK(on_failure == 0);
  CHECK(status == "success");
  CHECK(outcome.stages[2].state == StageState::kSkipped);
  CHECK(outcome.stages[3].state == StageState::kSkipped);
}

TEST_CASE("a failure of what runs late stops its own pipeline and no other") {
  for (const int procs : {1, 2, 8}) {
    CAPTURE(procs);
    std::atomic<long> count{0};
    std::atomic<long> sum{0};
    std::atomic<int> finished{0};
    Probe tail = passes();
    tail.finish = [&finished](Context&, Out&) { finished.fetch_add(1); };
    Probe breaks = {.process = [](Context& context, Batch&&, Out&) {
      return context.fail({.what = "late", .item = {}});
    }};
    ProbeGraph graph;
    graph.add("bad", fails())
        .add("endless", numbers(-1), {.needs = {"bad"}, .when = When::kAlways})
        .add("breaks", std::move(breaks), {.from = {"endless"}})
        .add("tail", std::move(tail), {.from = {"breaks"}})
        .add("other", numbers(1000), {.needs = {"bad"}, .when = When::kAlways})
        .add("sum", sums(&count, &sum), {.from = {"other"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.stages[2].state == StageState::kFailed);
    CHECK(outcome.stages[3].state == StageState::kCancelled);
    CHECK(finished == 0);
    CHECK(outcome.stages[5].state == StageState::kSucceeded);
    CHECK(count == 1000);
  }
}

// Each of those that run in spite of a failure is a scope of its own, and to stop one takes a while
// when there are many: none may begin because the scope of what it needs was the first to stop.
TEST_CASE("an interrupt stops also what would run in spite of a failure") {
  for (const int procs : {1, 2, 8}) {
    CAPTURE(procs);
    Interrupt interrupt;
    std::atomic<int> always{0};
    Probe raises = {.run = [&interrupt](Context& context, Out&) {
      interrupt.raise();
      while (!context.is_cancelled()) gorun::runtime::yield();
    }};
    ProbeGraph graph;
    graph.add("raises", std::move(raises));
    for (int i = 0; i < 200; ++i) {
      graph.add("always" + std::to_string(i), does(&always),
                {.needs = {"raises"}, .when = When::kAlways});
    }
    const Outcome outcome = graph.run({.procs = procs, .interrupt = &interrupt});
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(always.load() == 0);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::pools_test
