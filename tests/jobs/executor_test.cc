#include "jobs/executor.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/jobs/probe_graph.h"

namespace gorun::test::executor_test {

namespace {

using namespace gorun::jobs;
using gorun::test::numbers;
using gorun::test::passes;
using gorun::test::Probe;
using gorun::test::ProbeGraph;
using gorun::test::sums;
namespace runtime = gorun::runtime;

constexpr int kProcs[] = {1, 2, 8};

const StageOutcome& stage(const Outcome& outcome, const std::string& name) {
  for (const StageOutcome& stage : outcome.stages) {
    if (stage.name == name) return stage;
  }
  throw std::out_of_range(name);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/executor");

TEST_CASE("every item goes through a chain of stages once") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0;
    ProbeGraph graph;
    graph.add("numbers", numbers(10'000))
        .add("a", passes(), {.from = {"numbers"}})
        .add("b", passes(), {.from = {"a"}})
        .add("sum", sums(&count, &sum), {.from = {"b"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kSucceeded);
    CHECK(count == 10'000);
    CHECK(sum == 10'000L * 9'999 / 2);
    CHECK(stage(outcome, "numbers").counts.items_out == 10'000);
    CHECK(stage(outcome, "a").counts.items_in == 10'000);
    CHECK(stage(outcome, "b").counts.items_out == 10'000);
    CHECK(stage(outcome, "sum").counts.items_in == 10'000);
  }
}

TEST_CASE("a stage with many workers sees every item once") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0;
    Probe parallel = passes();
    parallel.traits.workers = 16;
    ProbeGraph graph;
    graph.add("numbers", numbers(50'000))
        .add("pass", parallel, {.from = {"numbers"}})
        .add("sum", sums(&count, &sum), {.from = {"pass"}, .buffer = 64});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(count == 50'000);
    CHECK(sum == 50'000L * 49'999 / 2);
  }
}

TEST_CASE("a slow consumer bounds what a fast source has made") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    constexpr std::int64_t kBuffer = 100;
    std::atomic<long> emitted = 0, consumed = 0, lead = 0;
    Probe slow{.process = [&](Context&, Batch&& batch, Out&) {
      // Waits until the source has had every chance to run ahead: the buffer is full.
      while (emitted < consumed + kBuffer && emitted < 20'000) runtime::yield();
      if (emitted - consumed > lead) lead = emitted - consumed;
      consumed += static_cast<long>(batch.size());
      return Flow::kMore;
    }};
    ProbeGraph graph;
    graph.add("numbers", numbers(20'000, &emitted))
        .add("slow", slow, {.from = {"numbers"}, .buffer = kBuffer});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(consumed == 20'000);
    // The buffer, the batch that the consumer holds and the one that the source fills.
    CHECK(lead <= kBuffer + 2 * (kBuffer / 4) + 1);
  }
}

TEST_CASE("several readers of a stage each get every item") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> counts[3] = {}, sums_of[3] = {};
    ProbeGraph graph;
    graph.add("numbers", numbers(5'000));
    for (int i = 0; i < 3; ++i) {
      graph.add("reader" + std::to_string(i), sums(&counts[i], &sums_of[i]),
                {.from = {"numbers"}, .buffer = 16});
    }
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kSucceeded);
    for (int i = 0; i < 3; ++i) {
      CHECK(counts[i] == 5'000);
      CHECK(sums_of[i] == 5'000L * 4'999 / 2);
    }
    CHECK(stage(outcome, "numbers").counts.items_out == 5'000);
  }
}

TEST_CASE("a list of sources is merged") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0;
    ProbeGraph graph;
    graph.add("a", numbers(1'000))
        .add("b", numbers(2'000))
        .add("none", numbers(0))
        .add("sum", sums(&count, &sum), {.from = {"a", "b", "none"}, .buffer = 8});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(count == 3'000);
    CHECK(sum == 1'000L * 999 / 2 + 2'000L * 1'999 / 2);
  }
}

TEST_CASE("a diamond with tiny buffers does not stall") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0;
    ProbeGraph graph;
    graph.add("numbers", numbers(3'000))
        .add("left", passes(), {.from = {"numbers"}, .buffer = 1})
        .add("right", passes(), {.from = {"numbers"}, .buffer = 1})
        .add("sum", sums(&count, &sum), {.from = {"left", "right"}, .buffer = 1});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(count == 6'000);
  }
}

TEST_CASE("a reader that has enough stops an endless source") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> taken = 0;
    Probe takes{.process = [&](Context&, Batch&& batch, Out&) {
      taken += static_cast<long>(batch.size());
      return taken >= 1'000 ? Flow::kStop : Flow::kMore;
    }};
    Probe parallel = passes();
    parallel.traits.workers = 4;
    ProbeGraph graph;
    graph.add("numbers", numbers(-1))
        .add("pass", parallel, {.from = {"numbers"}})
        .add("take", takes, {.from = {"pass"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kSucceeded);
    for (const StageOutcome& each : outcome.stages) CHECK(each.state == StageState::kSucceeded);
  }
}

TEST_CASE("one reader that has enough does not end what another still reads") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0;
    Probe takes{.process = [](Context&, Batch&&, Out&) { return Flow::kStop; }};
    ProbeGraph graph;
    graph.add("numbers", numbers(5'000))
        .add("take", takes, {.from = {"numbers"}, .buffer = 4})
        .add("sum", sums(&count, &sum), {.from = {"numbers"}, .buffer = 4});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(count == 5'000);
  }
}

TEST_CASE("an empty input is success") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> finished = 0;
    Probe counts = passes();
    counts.finish = [&](Context&, Out&) { ++finished; };
    counts.traits.workers = 3;
    ProbeGraph graph;
    graph.add("none", numbers(0)).add("pass", counts, {.from = {"none"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kSucceeded);
    CHECK(finished == 3);
    CHECK(stage(outcome, "pass").state == StageState::kSucceeded);
    CHECK(stage(outcome, "pass").counts.items_in == 0);
  }
}

TEST_CASE("a failure cancels the run and names stage and item") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<bool> finished = false;
    Probe fails{.process = [](Context& context, Batch&& batch, Out& out) {
      for (const Item& item : batch.items()) {
        if (item.text == "700") {
          return context.fail({FailureKind::kWork, "does not like it", std::string(item.text)});
        }
      }
      return out.send(std::move(batch));
    }};
    Probe sink = passes();
    sink.finish = [&](Context&, Out&) { finished = true; };
    ProbeGraph graph;
    graph.add("numbers", numbers(-1))
        .add("picky", fails, {.from = {"numbers"}})
        .add("sink", sink, {.from = {"picky"}})
        .add("after", numbers(1), {.needs = {"picky"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kFailed);
    CHECK(stage(outcome, "picky").state == StageState::kFailed);
    REQUIRE(stage(outcome, "picky").failures.size() == 1);
    CHECK(stage(outcome, "picky").failures[0].what == "does not like it");
    CHECK(stage(outcome, "picky").failures[0].item == "700");
    CHECK(stage(outcome, "numbers").state == StageState::kCancelled);
    CHECK(stage(outcome, "sink").state == StageState::kCancelled);
    CHECK(stage(outcome, "after").state == StageState::kSkipped);
    CHECK_FALSE(finished);
  }
}

TEST_CASE("an exception fails the stage that threw it") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Probe throws{
        .process = [](Context&, Batch&&, Out&) -> Flow { throw std::runtime_error("a bug"); }};
    ProbeGraph graph;
    graph.add("numbers", numbers(-1)).add("buggy", throws, {.from = {"numbers"}, .buffer = 2});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kFailed);
    REQUIRE(stage(outcome, "buggy").failures.size() == 1);
    CHECK(stage(outcome, "buggy").failures[0].what == "a bug");
    CHECK(outcome.has_failure(FailureKind::kInternal));
  }
}

TEST_CASE("a stage starts when all that it needs have succeeded") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<int> order = 0;
    std::atomic<int> first = -1, second = -1, last = -1;
    const auto notes = [&order](std::atomic<int>* place) {
      return Probe{.run = [&order, place](Context&, Out&) {
        for (int i = 0; i < 10; ++i) runtime::yield();
        *place = order++;
      }};
    };
    ProbeGraph graph;
    graph.add("first", notes(&first))
        .add("second", notes(&second), {.needs = {"first"}})
        .add("last", notes(&last), {.needs = {"first", "second"}});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(first == 0);
    CHECK(second == 1);
    CHECK(last == 2);
  }
}

TEST_CASE("an item reaches a waiting reader although its batch is not full") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    // The source goes on only when the last stage has seen what it sent: a batch that waits for
    // company anywhere would be a deadlock.
    runtime::Chan<runtime::Unit> seen(1);
    Probe source{.run = [&](Context&, Out& out) {
      for (int i = 0; i < 50; ++i) {
        static_cast<void>(out.emit(Item{.text = "x"}));
        static_cast<void>(out.flush());
        static_cast<void>(seen.recv());
      }
    }};
    Probe sink{.process = [&](Context&, Batch&& batch, Out&) {
      for (std::size_t i = 0; i < batch.size(); ++i) static_cast<void>(seen.send({}));
      return Flow::kMore;
    }};
    Probe fused = passes();
    fused.traits.fuses = true;
    ProbeGraph graph;
    graph.add("source", source)
        .add("a", passes(), {.from = {"source"}})
        .add("b", fused, {.from = {"a"}})
        .add("sink", sink, {.from = {"b"}});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
  }
}

TEST_CASE("an interrupt ends a run that would never end") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Interrupt interrupt;
    std::atomic<long> count = 0, sum = 0;
    Probe raises = sums(&count, &sum);
    raises.process = [&interrupt, inner = raises.process](Context& c, Batch&& batch, Out& out) {
      interrupt.raise();
      return inner(c, std::move(batch), out);
    };
    ProbeGraph graph;
    graph.add("numbers", numbers(-1)).add("sum", raises, {.from = {"numbers"}});
    const Outcome outcome = graph.run(RunOptions{.procs = procs, .interrupt = &interrupt});
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(stage(outcome, "numbers").state == StageState::kCancelled);
  }
}

TEST_CASE(
    "stages that wait for each other are a deadlock, although an interrupt could still come") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Interrupt interrupt;
    runtime::Chan<runtime::Unit> never(0);
    Probe stuck{.run = [&](Context&, Out&) { static_cast<void>(never.recv()); }};
    std::atomic<long> count = 0, sum = 0;
    ProbeGraph graph;
    graph.add("stuck", stuck).add("sum", sums(&count, &sum), {.from = {"stuck"}});
    const Outcome outcome = graph.run(RunOptions{.procs = procs, .interrupt = &interrupt});
    CHECK(outcome.state == RunState::kDeadlocked);
    bool is_named = false;
    for (const std::string& line : outcome.stuck) {
      CHECK(line.find("interrupt") == std::string::npos);
      is_named = is_named || line.ends_with(" \"stuck\" waits for chan receive");
    }
    CHECK(is_named);
  }
}

TEST_CASE("a stage that feeds itself ends when all it put back is worked off") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    // A tree of depth 12: every node puts back its two children, or works on them itself.
    std::atomic<long> nodes = 0;
    struct Grow {
      static void node(Context& context, std::atomic<long>& nodes, int depth) {
        ++nodes;
        if (depth == 12) return;
        for (int child = 0; child < 2; ++child) {
          Batch batch;
          batch.push(Item{.text = batch.copy(std::to_string(depth + 1))});
          if (!context.offer(batch)) node(context, nodes, depth + 1);
        }
      }
    };
    Probe grows{.process = [&](Context& context, Batch&& batch, Out&) {
      for (const Item& item : batch.items()) {
        Grow::node(context, nodes, std::stoi(std::string(item.text)));
      }
      return Flow::kMore;
    }};
    grows.traits = {.workers = 4, .batch_items = 1, .feeds_itself = true};
    ProbeGraph graph;
    graph.add("root", numbers(1)).add("grow", grows, {.from = {"root"}, .buffer = 8});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(nodes == (1L << 13) - 1);
  }
}

TEST_CASE("observers see a run in its true order") {
  struct Recorder final : Observer {
    void run_started(const Graph&, std::shared_ptr<const Progress> progress) override {
      counters = std::move(progress);
      log.push_back("run");
    }
    void stage_started(std::size_t stage) override { log.push_back("+" + std::to_string(stage)); }
    void stage_finished(std::size_t stage, const StageOutcome&) override {
      log.push_back("-" + std::to_string(stage));
    }
    void run_finished(const Outcome&) override { log.push_back("end"); }
    std::vector<std::string> log;
    std::shared_ptr<const Progress> counters;
  };
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Recorder recorder;
    ProbeGraph graph;
    graph.add("first", numbers(10)).add("second", numbers(3), {.needs = {"first"}});
    const Outcome outcome = graph.run(RunOptions{.procs = procs, .observer = &recorder});
    CHECK(outcome.state == RunState::kSucceeded);
    CHECK(recorder.log == std::vector<std::string>{"run", "+0", "-0", "+1", "-1", "end"});
    REQUIRE(recorder.counters->stage_count() == 2);
    CHECK(recorder.counters->sample(0).counts.items_out == 10);
    CHECK(recorder.counters->sample(0).queued == 0);
    CHECK(recorder.counters->sample(1).state == StageState::kSucceeded);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::executor_test
