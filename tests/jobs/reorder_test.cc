// tests/jobs/reorder_test.cc - output in input order: from workers that finish in any order, with a
// window, with further attempts, and with readers that have had enough.
#include "jobs/reorder.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/jobs/probe_graph.h"
#include "tests/jobs/run_job.h"
#include "tests/support/each_procs.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::reorder_test {

namespace {

using namespace gorun::jobs;
using namespace std::chrono_literals;
using gorun::test::numbers;
using gorun::test::Probe;
using gorun::test::ProbeGraph;
using gorun::test::sums;
namespace runtime = gorun::runtime;

constexpr int kProcs[] = {1, 2, 8};

// Lets others run a number of times that depends on the item, so that workers overtake each other.
Probe dawdles(std::size_t batch_items) {
  Probe probe{.process = [](Context&, Batch&& batch, Out& out) {
    const long first = std::stol(std::string(batch.items()[0].text));
    for (long i = 0; i < (first * 7919) % 13; ++i) runtime::yield();
    return out.send(std::move(batch));
  }};
  probe.traits = {.workers = 8, .batch_items = batch_items};
  return probe;
}

// Checks that the numbers come in their order.
Probe expects_order(std::atomic<long>* next, std::atomic<long>* out_of_order) {
  return {.process = [next, out_of_order](Context&, Batch&& batch, Out&) {
    for (const Item& item : batch.items()) {
      if (std::stol(std::string(item.text)) != next->fetch_add(1)) out_of_order->fetch_add(1);
    }
    return Flow::kMore;
  }};
}

// Numbers that are to come in their order.
struct Counting {
  std::atomic<long> next = 0;
  std::atomic<long> out_of_order = 0;

  void note(long number) {
    if (number != next.fetch_add(1)) out_of_order.fetch_add(1);
  }
};

class NoteErrand final : public Errand {
 public:
  NoteErrand(long number, long last, Counting* counting)
      : number_(number), last_(last), counting_(counting) {}
  Flow run() override {
    counting_->note(number_);
    return number_ == last_ ? Flow::kStop : Flow::kMore;
  }

 private:
  const long number_;
  const long last_;
  Counting* const counting_;
};

}  // namespace

TEST_SUITE_BEGIN("jobs/reorder");

TEST_CASE("workers that overtake each other put out in input order") {
  for (const int procs : kProcs) {
    for (const std::size_t batch_items : {std::size_t{1}, std::size_t{64}}) {
      CAPTURE(procs);
      CAPTURE(batch_items);
      std::atomic<long> next = 0, wrong = 0;
      const long count = gorun::test::scaled(20'000, 3'000);
      ProbeGraph graph;
      graph.add("numbers", numbers(count))
          .add("dawdle", dawdles(batch_items), {.from = {"numbers"}, .window = 500})
          .add("check", expects_order(&next, &wrong), {.from = {"dawdle"}});
      const Outcome outcome = graph.run(procs);
      CHECK(outcome.state == RunState::kSucceeded);
      CHECK(next == count);
      CHECK(wrong == 0);
      CHECK(outcome.stages[1].counts.items_in == static_cast<std::uint64_t>(count));
      CHECK(outcome.stages[1].counts.items_out == static_cast<std::uint64_t>(count));
    }
  }
}

TEST_CASE("errands are run in input order, and so do workers get their turn") {
  for (const int procs : kProcs) {
    for (const bool waits : {false, true}) {
      CAPTURE(procs);
      CAPTURE(waits);
      Counting counting;
      const long count = gorun::test::scaled(5'000, 1'000);
      Probe says{.process = [&](Context&, Batch&& batch, Out& out) {
        for (const Item& item : batch.items()) {
          const long number = std::stol(std::string(item.text));
          for (long i = 0; i < (number * 7919) % 13; ++i) runtime::yield();
          // Some of them keep what the others wait for.
          const bool waits_itself = waits && number % 3 != 0;
          const Flow flow =
              waits_itself
                  ? out.await_turn()
                  : out.run_in_turn(std::make_unique<NoteErrand>(number, -1, &counting), 100);
          if (flow == Flow::kStop) return flow;
          if (waits_itself) counting.note(number);
        }
        return Flow::kMore;
      }};
      says.traits = {.workers = 8, .batch_items = 1};
      ProbeGraph graph;
      graph.add("numbers", numbers(count)).add("says", says, {.from = {"numbers"}, .window = 50});
      CHECK(graph.run(procs).state == RunState::kSucceeded);
      CHECK(counting.next == count);
      CHECK(counting.out_of_order == 0);
    }
  }
}

TEST_CASE("an errand that wants no more ends the workers, also those that wait for their turn") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Counting counting;
    Probe says{.process = [&](Context&, Batch&& batch, Out& out) {
      const long number = std::stol(std::string(batch.items()[0].text));
      if (number > 20) return out.await_turn();
      return out.run_in_turn(std::make_unique<NoteErrand>(number, 20, &counting), 1);
    }};
    says.traits = {.workers = 8, .batch_items = 1};
    ProbeGraph graph;
    graph.add("numbers", numbers(-1)).add("says", says, {.from = {"numbers"}, .window = 50});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(counting.next == 21);
    CHECK(counting.out_of_order == 0);
  }
}

TEST_CASE("without the key the same workers do overtake each other") {
  std::atomic<long> next = 0, wrong = 0;
  ProbeGraph graph;
  graph.add("numbers", numbers(20'000))
      .add("dawdle", dawdles(1), {.from = {"numbers"}})
      .add("check", expects_order(&next, &wrong), {.from = {"dawdle"}});
  CHECK(graph.run(1).state == RunState::kSucceeded);
  CHECK(wrong > 0);
}

TEST_CASE("items that get another attempt keep their place") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> next = 0, wrong = 0;
    Probe flaky{.process = [](Context& context, Batch&& batch, Out& out) {
      const Item& item = batch.items()[0];
      CHECK(batch.size() == 1);
      if (item.text.ends_with('3') && context.attempt() < 3) {
        return context.fail_item(item, {FailureKind::kWork, "not yet", {}});
      }
      return out.send(std::move(batch));
    }};
    flaky.traits.workers = 4;
    ProbeGraph graph;
    // The window is as large as the workers are many: each of them is needed.
    graph.add("numbers", numbers(500))
        .add("flaky", flaky,
             {.from = {"numbers"},
              .failure = {.retry = {.max = 3, .base = 50us, .cap = 100us}},
              .window = 4})
        .add("check", expects_order(&next, &wrong), {.from = {"flaky"}});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(next == 500);
    CHECK(wrong == 0);
  }
}

TEST_CASE("no more items than the window are under way, and an item that is late holds them all") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    constexpr long kWindow = 16;
    std::atomic<long> begun = 0, most = 0, left = 0;
    runtime::Chan<runtime::Unit> go_on(1);
    Probe first_is_late{.process = [&](Context&, Batch&& batch, Out& out) {
      const long nth = ++begun;
      const long now = nth - left;
      long before = most;
      while (before < now && !most.compare_exchange_weak(before, now)) {
      }
      // Item 0 waits until as many as may have been begun.
      if (nth == kWindow) static_cast<void>(go_on.send({}));
      if (batch.items()[0].text == "0") static_cast<void>(go_on.recv());
      return out.send(std::move(batch));
    }};
    first_is_late.traits = {.workers = 4, .batch_items = 1};
    Probe sink{.process = [&](Context&, Batch&& batch, Out&) {
      left += static_cast<long>(batch.size());
      return Flow::kMore;
    }};
    ProbeGraph graph;
    graph.add("numbers", numbers(200))
        .add("late", first_is_late, {.from = {"numbers"}, .window = kWindow})
        .add("sink", sink, {.from = {"late"}, .buffer = kWindow});
    CHECK(graph.run(procs).state == RunState::kSucceeded);
    CHECK(left == 200);
    CHECK(most >= kWindow);
    // What has left the window may lie in front of a sink that is slow: its buffer and a batch.
    CHECK(most <= 3 * kWindow);
  }
}

TEST_CASE("a reader that has had enough ends ordered workers, also those that wait") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<long> taken = 0;
    Probe takes{.process = [&](Context&, Batch&& batch, Out&) {
      taken += static_cast<long>(batch.size());
      return taken >= 100 ? Flow::kStop : Flow::kMore;
    }};
    ProbeGraph graph;
    graph.add("numbers", numbers(-1))
        .add("dawdle", dawdles(1),
             {.from = {"numbers"},
              .failure = {.retry = {.max = 2, .base = 3600s, .cap = 3600s}},
              .window = 8})
        .add("take", takes, {.from = {"dawdle"}, .buffer = 4});
    const Outcome outcome = graph.run(procs);
    CHECK(outcome.state == RunState::kSucceeded);
    for (const StageOutcome& stage : outcome.stages) CHECK(stage.state == StageState::kSucceeded);
  }
}

TEST_CASE("a failure among ordered workers ends the run") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    Probe fails{.process = [](Context& context, Batch&& batch, Out& out) {
      if (batch.items()[0].text == "50") {
        return context.fail_item(batch.items()[0], {FailureKind::kWork, "no", {}});
      }
      return out.send(std::move(batch));
    }};
    fails.traits = {.workers = 4, .batch_items = 1};
    for (const FailPolicy policy :
         {FailPolicy::kFast, FailPolicy::kDrain, FailPolicy::kKeepGoing}) {
      std::atomic<long> next = 0, wrong = 0;
      ProbeGraph graph;
      graph.fail(policy)
          .add("numbers", numbers(200))
          .add("fails", fails, {.from = {"numbers"}, .window = 8})
          .add("check", expects_order(&next, &wrong), {.from = {"fails"}});
      const Outcome outcome = graph.run(procs);
      CHECK(outcome.state == RunState::kFailed);
      if (policy == FailPolicy::kKeepGoing) CHECK(next == 199);
    }
  }
}

// A worker that holds places of a pool must not park, however many saw room before.
TEST_CASE("output that finds no room is handed back, and only that whose turn is later") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::vector<bool> is_taken;
    std::size_t left = 0;
    std::atomic<std::uint64_t> queued = 0;
    runtime::Runtime rt({.procs = procs});
    gorun::test::run_to_end(rt, [&] {
      Inbox inbox({.capacity = 3, .producers = 1}, &queued);
      const std::vector<Inbox*> nobody;
      Reorder order({.window = 10, .bytes = 10}, inbox, nobody);
      const std::string text(10, 'x');
      std::vector<Reorder::Ticket> tickets(3);
      for (Reorder::Ticket& ticket : tickets) {
        Batch batch;
        batch.push_copy(Item{.text = text});
        static_cast<void>(inbox.put(std::move(batch)));
        static_cast<void>(order.take(&batch, &ticket));
      }
      for (const std::size_t nth : {std::size_t{1}, std::size_t{2}, std::size_t{0}}) {
        Batch batch;
        batch.push_copy(Item{.text = text});
        is_taken.push_back(order.try_append(tickets[nth], batch).has_value());
        if (!is_taken.back()) left = batch.size();
      }
    });
    CHECK(is_taken == std::vector<bool>{true, false, true});
    CHECK(left == 1);
  }
}

// Lines of a byte or none: what holds them is what they take.
TEST_CASE("what waits for its turn is bounded however short the items are") {
  constexpr std::size_t kBytes = std::size_t{1} << 16;
  for (const std::string text : {"", "x"}) {
    CAPTURE(text);
    std::size_t items = 0;
    std::atomic<std::uint64_t> queued = 0;
    runtime::Runtime rt({.procs = 1});
    gorun::test::run_to_end(rt, [&] {
      Inbox inbox({.capacity = 2, .producers = 1}, &queued);
      const std::vector<Inbox*> nobody;
      Reorder order({.window = 10, .bytes = kBytes}, inbox, nobody);
      std::vector<Reorder::Ticket> tickets(2);
      for (Reorder::Ticket& ticket : tickets) {
        Batch batch;
        batch.push_copy(Item{.text = text});
        static_cast<void>(inbox.put(std::move(batch)));
        static_cast<void>(order.take(&batch, &ticket));
      }
      for (bool has_room = true; has_room && items <= kBytes;) {
        Batch batch;
        batch.push_copy(Item{.text = text});
        has_room = order.try_append(tickets[1], batch).has_value();
        if (has_room) ++items;
      }
    });
    CHECK(items > 0);
    CHECK(items <= kBytes / sizeof(Item));
  }
}

TEST_CASE("items that came back when nobody takes them any more hold up nothing") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    std::atomic<std::uint64_t> queued = 0;
    std::vector<std::string> left;
    runtime::Runtime rt({.procs = procs});
    static_cast<void>(rt.run([&] {
      Inbox inbox({.capacity = 8, .producers = 1, .comes_back = true}, &queued);
      const std::vector<Inbox*> nobody;
      Reorder order({.window = 8, .retries = true}, inbox, nobody);
      runtime::WaitGroup passing_on;
      passing_on.go([&] { order.run(); });
      for (const char* text : {"a", "b", "c"}) {
        Batch batch;
        batch.push(Item{.text = text});
        static_cast<void>(inbox.put(std::move(batch)));
      }
      std::vector<std::pair<Batch, Reorder::Ticket>> taken(3);
      for (auto& [batch, ticket] : taken) static_cast<void>(order.take(&batch, &ticket));
      inbox.close();
      order.complete(taken[1].second);
      order.put_back(std::move(taken[0].first), taken[0].second);
      order.put_back(std::move(taken[2].first), taken[2].second);
      for (const Batch& batch : order.finish()) left.emplace_back(batch.items()[0].text);
      passing_on.wait();
    }));
    CHECK(left == std::vector<std::string>{"a", "c"});
  }
}

TEST_CASE("ordered items that are due for another attempt when a drain comes hold up nothing") {
  // In virtual time: while both workers sleep, the four items before theirs come back.
  Interrupt drain;
  Probe flaky{.process = [&](Context& context, Batch&& batch, Out& out) {
    const Item& item = batch.items()[0];
    if (item.text < "4") return context.fail_item(item, {FailureKind::kWork, "not yet", {}});
    runtime::sleep(1s);
    drain.raise();
    return out.send(std::move(batch));
  }};
  flaky.traits = {.workers = 2, .begins_operations = true};
  std::atomic<long> count = 0, sum = 0;
  ProbeGraph graph;
  graph.add("numbers", numbers(6))
      .add("flaky", flaky,
           {.from = {"numbers"},
            .failure = {.retry = {.max = 2, .base = 1ms, .jitter = false}},
            .window = 8})
      .add("sum", sums(&count, &sum), {.from = {"flaky"}});
  const Outcome outcome = graph.run(RunOptions{.drain = &drain, .deterministic = 7});
  CHECK(outcome.stuck.empty());
  CHECK(outcome.state == RunState::kInterrupted);
  CHECK(outcome.stages[1].failure_count == 4);
  CHECK(count == 2);
  CHECK(sum == 9);
}

TEST_CASE("hash, read and exec keep the order of their input") {
  const gorun::test::ScratchDir dir;
  std::string names;
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    const std::string name = dir.write(std::to_string(1000 + i),
                                       std::string(static_cast<std::size_t>(i * 37 % 5000), 'x'));
    names += (names.empty() ? "\"" : ", \"") + name + "\"";
    expected += name + "\n";
  }
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const std::string out = dir.path() + "/out";
    for (const char* stage : {R"({"kind": "hash", "from": "i", "algorithm": "xxh3-64")",
                              R"({"kind": "exec", "from": "i", "stdout": "items",
                                  "shell": "printf %s\\\\n \"$1\"")"}) {
      CAPTURE(stage);
      const Outcome outcome = gorun::test::run_job(
          R"({"gorun": 1, "stages": {"i": {"kind": "items", "items": [)" + names + R"(]}, "s": )" +
              stage + R"(, "order": "input", "workers": 8, "window": 40},
              "o": {"kind": "write", "from": "s", "path": ")" +
              out + R"("}}})",
          procs);
      CHECK(gorun::test::failures_of(outcome).empty());
      CHECK(gorun::test::read_whole_file(out) == expected);
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::reorder_test
