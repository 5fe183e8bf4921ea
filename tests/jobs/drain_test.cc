// What a drain leaves behind, seen from inside: that what it cut is known to be cut.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "jobs/executor.h"
#include "jobs/load.h"
#include "jobs/stage_kinds.h"
#include "runtime/runtime.h"
#include "runtime/timer.h"
#include "tests/jobs/probe_graph.h"

namespace gorun::test::drain_test {

namespace {

using namespace gorun::jobs;
using namespace std::chrono_literals;
using gorun::test::numbers;
using gorun::test::Probe;
using gorun::test::probe_row;
using gorun::test::ProbeGraph;
using gorun::test::sums;
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

TEST_CASE("items that wait for another attempt when a drain comes have failed") {
  // In virtual time: while both workers sleep, the four items before theirs come back.
  for (const bool are_due : {false, true}) {
    CAPTURE(are_due);
    Interrupt drain;
    Probe flaky{.process = [&](Context& context, Batch&& batch, Out& out) {
      const Item& item = batch.items()[0];
      if (item.text < "4") return context.fail_item(item, {FailureKind::kWork, "not yet", {}});
      runtime::sleep(1s);
      drain.raise();
      return out.send(std::move(batch));
    }};
    flaky.traits = {.workers = 2, .batch_items = 1, .begins_operations = true};
    std::atomic<long> count = 0, sum = 0;
    const std::chrono::nanoseconds pause = are_due ? 1ms : 1h;
    ProbeGraph graph;
    graph.add("numbers", numbers(6))
        .add("flaky", flaky,
             {.from = {"numbers"},
              .failure = {.retry = {.max = 3, .base = pause, .cap = pause, .jitter = false}}})
        .add("sum", sums(&count, &sum), {.from = {"flaky"}});
    const Outcome outcome = graph.run(RunOptions{.drain = &drain, .deterministic = 7});
    CHECK(outcome.state == RunState::kInterrupted);
    const StageOutcome& stage = outcome.stages[1];
    CHECK(stage.state == StageState::kFailed);
    CHECK(stage.counts.items_in == 6);
    CHECK(stage.failure_count == 4);
    std::string failed;
    for (const Failure& failure : stage.failures) {
      failed += failure.item;
      CHECK(failure.what == "not yet (attempt 1 of 3)");
    }
    std::ranges::sort(failed);
    CHECK(failed == "0123");
    CHECK(count == 2);
  }
}

TEST_CASE("items that wait for another attempt when a drain comes leave by the port \"errors\"") {
  for (const bool are_due : {false, true}) {
    for (const std::int64_t window : {0, 100}) {
      CAPTURE(are_due);
      CAPTURE(window);
      Interrupt drain;
      Probe flaky{.process = [&](Context& context, Batch&& batch, Out& out) {
        const Item& item = batch.items()[0];
        if (item.text < "4") return context.fail_item(item, {FailureKind::kWork, "not yet", {}});
        runtime::sleep(1s);
        drain.raise();
        return out.send(std::move(batch));
      }};
      flaky.traits = {.workers = 2, .batch_items = 1, .begins_operations = true};
      Sink sink;
      std::vector<std::string> failed;  // one reader has one worker
      Probe errors{.process = [&](Context&, Batch&& batch, Out&) {
        for (const Item& item : batch.items()) {
          std::string line(item.text);
          for (const Field& field : item.all_fields()) line += " " + std::string(field.value);
          failed.push_back(std::move(line));
        }
        return Flow::kMore;
      }};
      const std::chrono::nanoseconds pause = are_due ? 1ms : 1h;
      ProbeGraph graph;
      graph.add("numbers", numbers(6))
          .add("flaky", flaky,
               {.from = {"numbers"},
                .failure = {.retry = {.max = 3, .base = pause, .cap = pause, .jitter = false},
                            .on_error = OnError::kRoute},
                .window = window})
          .add("sink", sink.probe(), {.from = {"flaky"}})
          .add("errors", errors, {.from = {"flaky.errors"}});
      const Outcome outcome = graph.run(RunOptions{.drain = &drain, .deterministic = 7});
      CHECK(outcome.state == RunState::kInterrupted);
      CHECK(outcome.stages[1].let_go_count == 4);
      std::ranges::sort(failed);
      CHECK(failed == std::vector<std::string>{"0 0 not yet (attempt 1 of 3) 1 flaky",
                                               "1 1 not yet (attempt 1 of 3) 1 flaky",
                                               "2 2 not yet (attempt 1 of 3) 1 flaky",
                                               "3 3 not yet (attempt 1 of 3) 1 flaky"});
    }
  }
}

TEST_CASE("an attempt that is not made for draining stops nothing that runs") {
  struct Recorder final : Observer {
    void stage_finished(std::size_t stage, const StageOutcome&) override {
      if (stage == 1) has_ended = true;
    }
    std::atomic<bool> has_ended{false};
  };
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Interrupt drain;
    Recorder recorder;
    std::atomic<bool> is_under_way = false, is_stopped = false;
    Probe fails{.process = [&](Context& context, Batch&& batch, Out&) {
      is_under_way = true;
      return context.fail_item(batch.items()[0], {FailureKind::kWork, "not yet", {}});
    }};
    fails.traits.begins_operations = true;
    Probe command{.run = [&](Context& context, Out&) {
      while (!is_under_way) runtime::yield();
      drain.raise();
      while (!recorder.has_ended) runtime::yield();
      is_stopped = context.is_cancelled();
    }};
    command.traits.begins_operations = true;
    ProbeGraph graph;
    graph.add("one", numbers(1))
        .add("fails", fails,
             {.from = {"one"}, .failure = {.retry = {.max = 2, .base = 3600s, .cap = 3600s}}})
        .add("command", command);
    const RunOptions options{.procs = procs, .observer = &recorder, .drain = &drain};
    const Outcome outcome = graph.run(options);
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK_FALSE(is_stopped);
    CHECK(states(outcome).ends_with("failed succeeded"));
  }
}

TEST_CASE("an operation whose goroutine comes later than the drain does not begin") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Interrupt drain;
    drain.raise();
    std::atomic<int> begun = 0;
    Probe command{.run = [&](Context&, Out&) { ++begun; }};
    command.traits.begins_operations = true;
    ProbeGraph graph;
    graph.add("command", command);
    const Outcome outcome = graph.run(RunOptions{.procs = procs, .drain = &drain});
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(states(outcome) == "cancelled");
    CHECK(begun == 0);
  }
}

TEST_CASE("a stage whose turn comes behind a stop does not begin") {
  // The end of the first stage is held until all is stopped.
  struct Recorder final : Observer {
    void stage_started(std::size_t stage) override { has_begun = has_begun || stage == 2; }
    void stage_finished(std::size_t stage, const StageOutcome&) override {
      if (stage != 0) return;
      interrupt.raise();
      while (!is_stopped) std::this_thread::yield();
    }
    Interrupt interrupt;
    std::atomic<bool> is_stopped{false};
    std::atomic<bool> has_begun{false};
  };
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Recorder recorder;
    std::atomic<bool> runs = false;
    Probe endless{.run = [&](Context& context, Out&) {
      runs = true;
      while (!context.is_cancelled()) runtime::yield();
      recorder.is_stopped = true;
    }};
    Probe first{.run = [&](Context&, Out&) {
      while (!runs) runtime::yield();
    }};
    ProbeGraph graph;
    graph.add("first", first)
        .add("endless", endless)
        .add("second", numbers(1), {.needs = {"first"}});
    const RunOptions options{
        .procs = procs, .observer = &recorder, .interrupt = &recorder.interrupt};
    const Outcome outcome = graph.run(options);
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(states(outcome) == "succeeded cancelled skipped");
    CHECK_FALSE(recorder.has_begun);
  }
}

TEST_CASE("the percentage of failed items is not judged when not all have come in") {
  for (const int procs : kProcs) {
    for (const bool drains : {false, true}) {
      CAPTURE(procs);
      CAPTURE(drains);
      Interrupt end;
      Probe command{.process = [&](Context& context, Batch&& batch, Out&) {
        const Item& item = batch.items()[0];
        if (item.text == "0") return context.fail_item(item, {FailureKind::kWork, "no", {}});
        if (item.text != "3") return Flow::kMore;
        end.raise();
        while (!context.is_draining()) runtime::yield();
        return Flow::kMore;
      }};
      command.traits = {.batch_items = 1, .begins_operations = true};
      ProbeGraph graph;
      graph.add("numbers", numbers(-1))
          .add("command", command, {.from = {"numbers"}, .failure = {.tolerate = {.percent = 10}}});
      RunOptions options{.procs = procs};
      (drains ? options.drain : options.interrupt) = &end;
      const Outcome outcome = graph.run(options);
      CHECK(outcome.state == RunState::kInterrupted);
      CHECK(states(outcome) == "cancelled cancelled");
      CHECK(outcome.stages[1].let_go_count == 1);
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::drain_test
