// What becomes of items that fail, seen from inside: attempts, pauses, limits, the port "errors",
// and what one failure stops.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "jobs/executor.h"
#include "runtime/runtime.h"
#include "runtime/timer.h"
#include "tests/jobs/probe_graph.h"

namespace gorun::test::jobs_failure_test {

namespace {

using namespace gorun::jobs;
using namespace std::chrono_literals;
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

// The state of every stage, in their order: "succeeded failed cancelled".
std::string states(const Outcome& outcome) {
  std::string all;
  for (const StageOutcome& stage : outcome.stages) {
    all += (all.empty() ? "" : " ") + std::string(to_string(stage.state));
  }
  return all;
}

// Fails the items that `fails` says, and passes the others on.
Probe picky(std::function<bool(const Item&, int attempt)> fails) {
  return {.process = [fails = std::move(fails)](Context& context, Batch&& batch, Out& out) {
    std::size_t kept = 0;
    for (const Item& item : batch.items()) {
      if (!fails(item, context.attempt())) {
        batch.items()[kept++] = item;
      } else if (context.fail_item(item, {FailureKind::kWork, "does not like it", {}}) ==
                 Flow::kStop) {
        return Flow::kStop;
      }
    }
    batch.truncate(kept);
    return out.send(std::move(batch));
  }};
}

bool ends_with_7(const Item& item) { return item.text.ends_with('7'); }

// Keeps texts and fields of what comes in, sorted.
struct Collector {
  std::mutex lock;
  std::vector<std::string> lines;
  Probe probe() {
    return {.process = [this](Context&, Batch&& batch, Out&) {
      const std::lock_guard<std::mutex> hold(lock);
      for (const Item& item : batch.items()) {
        std::string line(item.text);
        for (const Field& field : item.all_fields()) {
          line += " " + std::string(field.name) + "=" + std::string(field.value);
        }
        lines.push_back(std::move(line));
      }
      return Flow::kMore;
    }};
  }
  std::vector<std::string> sorted() {
    std::ranges::sort(lines);
    return lines;
  }
};

}  // namespace

TEST_SUITE_BEGIN("jobs/failure");

TEST_CASE("an item that fails gets as many attempts as it may, and the others are not touched") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0, attempts = 0;
    Probe flaky = picky([&](const Item& item, int attempt) {
      if (!ends_with_7(item)) return false;
      ++attempts;
      return attempt < 3;
    });
    flaky.traits.workers = 4;
    ProbeGraph graph;
    graph.add("numbers", numbers(1'000))
        .add("flaky", flaky,
             {.from = {"numbers"}, .failure = {.retry = {.max = 3, .base = 1ms, .cap = 2ms}}})
        .add("sum", sums(&count, &sum), {.from = {"flaky"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kSucceeded);
    CHECK(count == 1'000);
    CHECK(sum == 1'000L * 999 / 2);
    CHECK(attempts == 300);
    CHECK(stage(outcome, "flaky").retry_count == 200);
    CHECK(stage(outcome, "flaky").counts.items_in == 1'000);
    CHECK(stage(outcome, "flaky").counts.items_out == 1'000);
  }
}

TEST_CASE("pauses grow by a factor up to the cap, in virtual time") {
  std::vector<runtime::Nanos> starts;
  Probe fails = picky([&](const Item&, int) {
    starts.push_back(runtime::now());
    return true;
  });
  ProbeGraph graph;
  graph.add("one", numbers(1))
      .add("fails", fails,
           {.from = {"one"},
            .failure = {.retry = {.max = 6, .base = 1s, .cap = 5s, .factor = 2, .jitter = false}}});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 7});
  CHECK(outcome.state == RunState::kFailed);
  REQUIRE(starts.size() == 6);
  std::vector<long> pauses;
  for (std::size_t i = 1; i < starts.size(); ++i) {
    pauses.push_back(
        std::chrono::duration_cast<std::chrono::seconds>(starts[i] - starts[i - 1]).count());
  }
  CHECK(pauses == std::vector<long>{1, 2, 4, 5, 5});
  REQUIRE(stage(outcome, "fails").failures.size() == 1);
  CHECK(stage(outcome, "fails").failures[0].what == "does not like it (attempt 6 of 6)");
  CHECK(stage(outcome, "fails").failures[0].attempts == 6);
}

TEST_CASE("full jitter draws pauses from nothing to what they would be") {
  std::map<std::string, runtime::Nanos> first;
  std::vector<double> parts;  // of the pause
  Probe fails = picky([&](const Item& item, int attempt) {
    const std::string text(item.text);
    if (attempt == 1) first[text] = runtime::now();
    if (attempt == 2) {
      parts.push_back(std::chrono::duration<double>(runtime::now() - first[text]).count());
    }
    return attempt == 1;
  });
  ProbeGraph graph;
  graph.add("numbers", numbers(400))
      .add("fails", fails, {.from = {"numbers"}, .failure = {.retry = {.max = 2, .base = 1s}}});
  CHECK(graph.run(RunOptions{.deterministic = 11}).state == RunState::kSucceeded);
  REQUIRE(parts.size() == 400);
  double total = 0;
  for (const double part : parts) {
    CHECK(part >= 0);
    CHECK(part < 1.01);
    total += part;
  }
  // Evenly: the mean of 400 is 0.5 with a standard deviation of 0.0144.
  CHECK(total / 400 > 0.43);
  CHECK(total / 400 < 0.57);
  CHECK(*std::ranges::min_element(parts) < 0.1);
  CHECK(*std::ranges::max_element(parts) > 0.9);
}

TEST_CASE("an attempt that waits holds no worker") {
  // One worker; the first item fails and waits for an hour of virtual time, in which all others go
  // through.
  std::vector<std::string> order;
  Probe flaky{.process = [&](Context& context, Batch&& batch, Out&) {
    for (const Item& item : batch.items()) {
      order.push_back(std::string(item.text) + "." + std::to_string(context.attempt()));
      if (item.text != "0" || context.attempt() != 1) continue;
      static_cast<void>(context.fail_item(item, {FailureKind::kWork, "not yet", {}}));
    }
    return Flow::kMore;
  }};
  flaky.traits.batch_items = 1;
  ProbeGraph graph;
  graph.add("numbers", numbers(5))
      .add("flaky", flaky,
           {.from = {"numbers"},
            .failure = {.retry = {.max = 2, .base = 3600s, .cap = 3600s, .jitter = false}}});
  CHECK(graph.run(RunOptions{.deterministic = 3}).state == RunState::kSucceeded);
  CHECK(order == std::vector<std::string>{"0.1", "1.1", "2.1", "3.1", "4.1", "0.2"});
}

TEST_CASE("a source that fails is run again") {
  int runs = 0;
  std::atomic<long> count = 0, sum = 0;
  Probe source{.run = [&](Context& context, Out& out) {
    if (++runs < 3) {
      static_cast<void>(context.fail_item(Item{}, {FailureKind::kWork, "not yet", {}}));
      return;
    }
    static_cast<void>(out.emit(Item{.text = "5"}));
  }};
  ProbeGraph graph;
  graph.add("source", source, {.failure = {.retry = {.max = 3, .base = 60s}}})
      .add("sum", sums(&count, &sum), {.from = {"source"}});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 5});
  CHECK(outcome.state == RunState::kSucceeded);
  CHECK(runs == 3);
  CHECK(sum == 5);
}

TEST_CASE("an item that fails when nothing comes back any more has failed for good") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Probe late = passes();
    late.finish = [](Context& context, Out&) {
      CHECK_FALSE(context.may_retry());
      static_cast<void>(context.fail_item(Item{.text = "a"}, {FailureKind::kWork, "late", {}}));
    };
    ProbeGraph graph;
    graph.add("numbers", numbers(3))
        .add("late", late, {.from = {"numbers"}, .failure = {.retry = {.max = 3, .base = 1ms}}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kFailed);
    REQUIRE(stage(outcome, "late").failures.size() == 1);
    CHECK(stage(outcome, "late").failures[0].what == "late");
    CHECK(stage(outcome, "late").retry_count == 0);
  }
}

TEST_CASE("only failures that \"on\" names are tried again") {
  std::atomic<long> attempts = 0;
  Probe fails{.process = [&](Context& context, Batch&& batch, Out&) {
    for (const Item& item : batch.items()) {
      ++attempts;
      Failure failure{FailureKind::kWork, "exit " + std::string(item.text), {}};
      failure.cause = FailureCause::kExit;
      failure.code = std::stoi(std::string(item.text));
      if (context.fail_item(item, failure) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }};
  ProbeGraph graph;
  graph.add("numbers", numbers(4))
      .add("fails", fails,
           {.from = {"numbers"},
            .failure = {.retry = {.max = 3, .on = {{FailureCause::kExit, 2}}, .base = 1s},
                        .on_error = OnError::kContinue}});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 5});
  CHECK(outcome.state == RunState::kSucceeded);
  CHECK(attempts == 6);  // item 2 three times, the others once
  CHECK(stage(outcome, "fails").let_go_count == 4);
  CHECK(stage(outcome, "fails").let_go.back().what == "exit 2 (attempt 3 of 3)");
}

TEST_CASE("failed items leave by the port \"errors\", with what happened to them") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0;
    Collector errors;
    Probe fails = picky([](const Item& item, int) { return ends_with_7(item); });
    ProbeGraph graph;
    graph.add("numbers", numbers(20))
        .add("fails", fails,
             {.from = {"numbers"},
              .failure = {.retry = {.max = 2, .base = 1ms}, .on_error = OnError::kRoute}})
        .add("sum", sums(&count, &sum), {.from = {"fails"}})
        .add("errors", errors.probe(), {.from = {"fails.errors"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kSucceeded);
    CHECK(count == 18);
    CHECK(errors.sorted() ==
          std::vector<std::string>{
              "17 item=17 error=does not like it (attempt 2 of 2) attempts=2 stage=fails",
              "7 item=7 error=does not like it (attempt 2 of 2) attempts=2 stage=fails"});
    CHECK(stage(outcome, "fails").let_go_count == 2);
  }
}

TEST_CASE("one more failed item than \"tolerate\" counts fails the stage") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Probe fails = picky([](const Item& item, int) { return ends_with_7(item); });
    const auto run = [&](long items) {
      ProbeGraph graph;
      graph.add("numbers", numbers(items))
          .add("fails", fails, {.from = {"numbers"}, .failure = {.tolerate = {.count = 2}}});
      return graph.run(procs);
    };
    CHECK(run(20).state == RunState::kSucceeded);
    const Outcome outcome = run(30);
    CHECK(outcome.state == RunState::kFailed);
    REQUIRE(stage(outcome, "fails").failures.size() == 1);
    CHECK(stage(outcome, "fails").failures[0].what ==
          "does not like it (failed item 3; \"tolerate\" allows 2)");
    CHECK(stage(outcome, "fails").let_go_count == 2);
  }
}

TEST_CASE("the percentage of failed items is judged when all have come in") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Probe fails = picky([](const Item& item, int) { return ends_with_7(item); });
    const auto run = [&](double percent) {
      ProbeGraph graph;
      graph.add("numbers", numbers(100))
          .add("fails", fails,
               {.from = {"numbers"}, .failure = {.tolerate = {.percent = percent}}});
      return graph.run(procs);
    };
    CHECK(run(10).state == RunState::kSucceeded);
    const Outcome outcome = run(9.5);
    CHECK(outcome.state == RunState::kFailed);
    REQUIRE(stage(outcome, "fails").failures.size() == 1);
    CHECK(stage(outcome, "fails").failures[0].what ==
          "10 of 100 items failed, and \"tolerate\" allows 9.5 percent");
  }
}

TEST_CASE("keep-going leaves out what fails and stops nothing that does not depend on it") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0, other_count = 0, other_sum = 0;
    Probe fails = picky([](const Item& item, int) { return ends_with_7(item); });
    ProbeGraph graph;
    graph.fail(FailPolicy::kKeepGoing)
        .add("numbers", numbers(1'000))
        .add("fails", fails, {.from = {"numbers"}})
        .add("sum", sums(&count, &sum), {.from = {"fails"}})
        .add("after", numbers(1), {.needs = {"fails"}})
        .add("others", numbers(10))
        .add("other-sum", sums(&other_count, &other_sum), {.from = {"others"}})
        .add("after-others", numbers(1), {.needs = {"other-sum"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kFailed);
    CHECK(states(outcome) == "succeeded failed succeeded skipped succeeded succeeded succeeded");
    CHECK(count == 900);
    CHECK(other_count == 10);
    CHECK(stage(outcome, "fails").failure_count == 100);
  }
}

TEST_CASE("keep-going: a stage that cannot go on stops what reads from it, and no more") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0;
    std::atomic<bool> has_finished = false;
    Probe breaks{.process = [](Context& context, Batch&&, Out&) {
      return context.fail({FailureKind::kWork, "broken", {}});
    }};
    Probe reader = passes();
    reader.finish = [&](Context&, Out&) { has_finished = true; };
    ProbeGraph graph;
    graph.fail(FailPolicy::kKeepGoing)
        .add("numbers", numbers(50'000))
        .add("breaks", breaks, {.from = {"numbers"}, .buffer = 4})
        .add("reader", reader, {.from = {"breaks"}})
        .add("sum", sums(&count, &sum), {.from = {"numbers"}});
    const Outcome outcome = graph.run(procs);
    CHECK(states(outcome) == "succeeded failed cancelled succeeded");
    CHECK(count == 50'000);
    CHECK_FALSE(has_finished);
  }
}

TEST_CASE("drain begins nothing more and brings what is under way to its end") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> begun = 0, finished = 0;
    std::atomic<bool> was_cut = false;
    Probe command{.process = [&](Context& context, Batch&& batch, Out& out) {
      ++begun;
      if (batch.items()[0].text == "3") {
        return context.fail_item(batch.items()[0], {FailureKind::kWork, "exit 1", {}});
      }
      return out.send(std::move(batch));
    }};
    command.traits = {.batch_items = 1, .begins_operations = true};
    Probe sink{.process = [](Context&, Batch&&, Out&) { return Flow::kMore; }};
    sink.finish = [&](Context& context, Out&) {
      ++finished;
      was_cut = context.input_state() == InputState::kCutShort;
    };
    ProbeGraph graph;
    graph.fail(FailPolicy::kDrain)
        .add("numbers", numbers(-1))
        .add("command", command, {.from = {"numbers"}, .buffer = 64})
        .add("sink", sink, {.from = {"command"}})
        .add("after", numbers(1), {.needs = {"sink"}});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kFailed);
    CHECK(states(outcome) == "cancelled failed cancelled skipped");
    CHECK(begun == 4);
    CHECK(finished == 1);
    CHECK(was_cut);
  }
}

TEST_CASE("a drain that is asked for lets an operation come to its end, whatever \"fail\" says") {
  for (const int procs : kProcs) {
    for (const FailPolicy policy :
         {FailPolicy::kFast, FailPolicy::kDrain, FailPolicy::kKeepGoing}) {
      CAPTURE(procs);
      CAPTURE(static_cast<int>(policy));
      Interrupt drain;
      std::atomic<long> begun = 0, arrived = 0, others = 0;
      std::atomic<bool> saw_stop = false;
      Probe command{.process = [&](Context& context, Batch&& batch, Out& out) {
        if (++begun == 3) {
          drain.raise();
          // The source ends on that; its reader then has no more to come.
          while (begun == 3 && others == 0) gorun::runtime::yield();
          if (context.is_cancelled()) saw_stop = true;
        }
        return out.send(std::move(batch));
      }};
      command.traits = {.batch_items = 1, .begins_operations = true};
      Probe sink{.process = [&](Context&, Batch&& batch, Out&) {
        arrived += static_cast<long>(batch.size());
        return Flow::kMore;
      }};
      // A source that says when it has been told to end.
      Probe endless{.run = [&](Context& context, Out&) {
        while (!context.is_cancelled()) gorun::runtime::yield();
        ++others;
      }};
      ProbeGraph graph;
      graph.fail(policy)
          .add("numbers", numbers(-1))
          .add("command", command, {.from = {"numbers"}, .buffer = 64})
          .add("sink", sink, {.from = {"command"}})
          .add("endless", endless)
          .add("after", numbers(1), {.needs = {"sink"}});
      const Outcome outcome = graph.run(RunOptions{.procs = procs, .drain = &drain});
      CHECK(outcome.state == RunState::kInterrupted);
      CHECK(states(outcome) == "cancelled cancelled cancelled cancelled skipped");
      CHECK(begun == 3);
      CHECK(arrived == 3);
      CHECK_FALSE(saw_stop);
    }
  }
}

TEST_CASE("a drain begins no operation that still waits for its place in a pool") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Interrupt drain;
    std::atomic<int> begun = 0;
    std::atomic<bool> has_drained = false;
    Probe once{.run = [&](Context&, Out&) {
      if (++begun > 1) return;
      drain.raise();
      while (!has_drained) gorun::runtime::yield();
    }};
    once.traits = {.begins_operations = true};
    Probe endless{.run = [&](Context& context, Out&) {
      while (!context.is_cancelled()) gorun::runtime::yield();
      has_drained = true;
    }};
    ProbeGraph graph;
    const std::size_t pool = graph.add_pool(1);
    graph.add("endless", endless)
        .add("a", once, {.pool = pool})
        .add("b", once, {.pool = pool})
        .add("c", once, {.pool = pool});
    const Outcome outcome = graph.run(RunOptions{.procs = procs, .drain = &drain});
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(begun == 1);
  }
}

TEST_CASE("a stop ends the pauses of those that wait for another attempt") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Interrupt interrupt;
    Probe fails = picky([&](const Item&, int) {
      interrupt.raise();
      return true;
    });
    ProbeGraph graph;
    graph.add("numbers", numbers(100))
        .add("fails", fails,
             {.from = {"numbers"},
              .failure = {.retry = {.max = 2, .base = 3600s, .cap = 3600s, .jitter = false}}});
    const Outcome outcome = graph.run(RunOptions{.procs = procs, .interrupt = &interrupt});
    CHECK(outcome.state == RunState::kInterrupted);
    CHECK(stage(outcome, "fails").failure_count == 0);
  }
}

TEST_CASE("a stage that takes longer than its timeout has failed, and one that does not has not") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0;
    ProbeGraph graph;
    // The failure stops all that has not ended, so the time of "sum" begins when "quick" has.
    graph.add("numbers", numbers(-1))
        .add("quick", numbers(1), {.failure = {.timeout = 3600s}})
        .add("sum", sums(&count, &sum),
             {.from = {"numbers"}, .needs = {"quick"}, .failure = {.timeout = 20ms}});
    const Outcome outcome = graph.run(procs);
    CHECK(states(outcome) == "cancelled succeeded failed");
    REQUIRE(stage(outcome, "sum").failures.size() == 1);
    CHECK(stage(outcome, "sum").failures[0].what == "timed out after 20 ms");
    CHECK(stage(outcome, "sum").failures[0].cause == FailureCause::kTimeout);
  }
}

TEST_CASE("a run whose time is up is stopped") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> count = 0, sum = 0;
    ProbeGraph graph;
    graph.add("numbers", numbers(-1)).add("sum", sums(&count, &sum), {.from = {"numbers"}});
    const Outcome outcome = graph.run(RunOptions{.procs = procs, .timeout = 10ms});
    CHECK(outcome.state == RunState::kTimedOut);
    CHECK(states(outcome) == "cancelled cancelled");
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::jobs_failure_test
