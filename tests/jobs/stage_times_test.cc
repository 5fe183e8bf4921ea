// tests/jobs/stage_times_test.cc - where the time of a stage went: what its goroutines do is work,
// and what they wait for is not. In virtual time, which passes only while all of them wait.

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "runtime/timer.h"
#include "tests/jobs/probe_graph.h"

namespace gorun::test::stage_times_test {

namespace {

using namespace gorun::jobs;
using namespace std::chrono_literals;

struct Nothing final : Parcel {};

// An operator that hands a parcel to each of its mergers for every item.
Probe gathers(std::size_t shards, std::chrono::seconds merge_time) {
  Probe probe{.process = [shards](Context& context, Batch&& batch, Out&) {
    for (std::size_t i = 0; i < batch.size() * shards; ++i) {
      if (context.hand_over(i % shards, std::make_unique<Nothing>()) == Flow::kStop) {
        return Flow::kStop;
      }
    }
    return Flow::kMore;
  }};
  probe.merge = [merge_time](ParcelPtr) { runtime::sleep(merge_time); };
  probe.traits = {.shards = static_cast<int>(shards)};
  return probe;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/stage_times");

TEST_CASE("a stage has as many goroutines as its widest part") {
  Probe wide = passes();
  wide.traits.workers = 4;
  ProbeGraph graph;
  graph.add("numbers", numbers(10))
      .add("wide", wide, {.from = {"numbers"}})
      .add("gathers", gathers(3, 0s), {.from = {"wide"}});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 7});
  CHECK(outcome.state == RunState::kSucceeded);
  CHECK(outcome.stages[0].goroutines == 1);
  CHECK(outcome.stages[1].goroutines == 4);
  CHECK(outcome.stages[2].goroutines == 3);
}

TEST_CASE("who waits for a merger is not busy") {
  ProbeGraph graph;
  graph.add("numbers", numbers(20)).add("gathers", gathers(1, 1s), {.from = {"numbers"}});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 7});
  CHECK(outcome.stages[1].counts.busy >= 20s);  // the merger
  CHECK(outcome.stages[1].counts.busy < 21s);
  CHECK(outcome.stages[1].counts.waiting_out > 15s);
}

TEST_CASE("who waits in the middle of a batch that is divided among readers is not busy") {
  Probe source{.run = [](Context&, Out& out) {
    Batch batch;
    for (int i = 0; i < 40; ++i) batch.push_copy(Item{.text = "x"});
    static_cast<void>(out.send(std::move(batch)));
  }};
  Probe slow{.process = [](Context&, Batch&&, Out&) {
    runtime::sleep(1s);
    return Flow::kMore;
  }};
  slow.traits = {.batch_items = 1};
  ProbeGraph graph;
  graph.add("source", source).add("slow", slow, {.from = {"source"}, .buffer = 4});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 7});
  CHECK(outcome.stages[0].counts.busy < 1s);
  CHECK(outcome.stages[0].counts.waiting_out > 30s);
}

TEST_CASE("the pause before another attempt is nobody's work") {
  const FailurePolicy hourly = {.retry = {.max = 2, .base = 1h, .cap = 1h, .jitter = false}};
  std::atomic<int> attempts = 0;
  Probe source{.run = [&attempts](Context& context, Out&) {
    if (attempts.fetch_add(1) == 0) {
      static_cast<void>(context.fail_item(Item{}, {FailureKind::kWork, "not yet", {}}));
    }
  }};
  ProbeGraph graph;
  graph.add("source", source, {.failure = hourly});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 7});
  CHECK(outcome.state == RunState::kSucceeded);
  CHECK(attempts == 2);
  CHECK(outcome.stages[0].counts.busy < 1min);
}

TEST_SUITE_END();

}  // namespace gorun::test::stage_times_test
