// What a drain leaves behind, seen from inside: that what it cut is known to be cut.
#include <doctest/doctest.h>

#include <atomic>
#include <string>

#include "jobs/executor.h"
#include "jobs/load.h"
#include "jobs/stage_kinds.h"
#include "runtime/runtime.h"
#include "tests/jobs/probe_graph.h"

namespace gorun::test::drain_test {

namespace {

using namespace gorun::jobs;
using gorun::test::numbers;
using gorun::test::Probe;
using gorun::test::probe_row;
using gorun::test::ProbeGraph;
namespace runtime = gorun::runtime;

constexpr int kProcs[] = {1, 2, 8};

// The state of every stage, in their order: "succeeded failed cancelled".
std::string states(const Outcome& outcome) {
  std::string all;
  for (const StageOutcome& stage : outcome.stages) {
    all += (all.empty() ? "" : " ") + std::string(to_string(stage.state));
  }
  return all;
}

// Reads all there is, and keeps how complete it was.
struct Sink {
  std::atomic<InputState> input{InputState::kWhole};
  Probe probe() {
    return {.process = [](Context&, Batch&&, Out&) { return Flow::kMore; },
            .finish = [this](Context& context, Out&) { input = context.input_state(); }};
  }
};

}  // namespace

TEST_SUITE_BEGIN("jobs/drain");

TEST_CASE("a source that works on what it puts back, cut by a drain, does not pass for whole") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Interrupt drain;
    Sink sink;
    Probe walk{.run = [](Context&, Out& out) { static_cast<void>(out.emit(Item{.text = "root"})); },
               .process =
                   [&](Context& context, Batch&& batch, Out& out) {
                     static_cast<void>(out.send(std::move(batch)));
                     drain.raise();
                     CHECK(context.is_cancelled());
                     return Flow::kStop;
                   }};
    walk.traits.feeds_itself = true;
    ProbeGraph graph;
    graph.add("walk", walk).add("sink", sink.probe(), {.from = {"walk"}});
    const Outcome outcome = graph.run(RunOptions{.procs = procs, .drain = &drain});
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(states(outcome) == "cancelled cancelled");
    CHECK(sink.input == InputState::kCutShort);
  }
}

TEST_CASE("what a drain cuts off behind a source that has said all does not pass for whole") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Interrupt drain;
    Sink sink;
    // In the goroutine of the source, which hands its few items over at its end.
    Probe grows{.process = [&](Context& context, Batch&&, Out& out) {
      drain.raise();
      numbers(100'000).run(context, out);
      CHECK(out.is_stopped());
      return Flow::kMore;
    }};
    grows.traits.fuses = true;
    ProbeGraph graph;
    graph.add("numbers", numbers(3))
        .add("grows", grows, {.from = {"numbers"}})
        .add("sink", sink.probe(), {.from = {"grows"}});
    const Outcome outcome = graph.run(RunOptions{.procs = procs, .drain = &drain});
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(states(outcome) == "cancelled cancelled cancelled");
    CHECK(sink.input == InputState::kCutShort);
  }
}

// With one P the groups are put out in the goroutine of the source, which a drain ends.
TEST_CASE("a result that a drain cuts off does not pass for whole") {
  const Source source("job.json", R"({"gorun": 1, "stages": {
      "numbers": {"kind": "range", "to": 20000},
      "count": {"kind": "reduce", "from": "numbers", "agg": "count"},
      "sink": {"kind": "write", "from": {"stage": "count", "buffer": 64}, "path": "-"}}})");
  const Result<Graph> graph = load_job(source);
  REQUIRE(graph.ok());
  Interrupt drain;
  std::atomic<std::uint64_t> arrived = 0;
  Sink sink;
  Probe probe = sink.probe();
  probe.process = [&](Context&, Batch&& batch, Out&) {
    drain.raise();
    arrived += batch.size();
    return Flow::kMore;
  };
  const Outcome outcome =
      execute(graph.value(), RunOptions{.procs = 1, .drain = &drain}, [&](const StageSpec& spec) {
        return spec.name == "sink" ? probe_row(probe) : make_stages(spec);
      });
  CHECK(arrived < 20'000);
  CHECK(outcome.state == RunState::kInterrupted);
  CHECK(sink.input == InputState::kCutShort);
}

TEST_SUITE_END();

}  // namespace gorun::test::drain_test
