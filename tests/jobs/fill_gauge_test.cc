// tests/jobs/fill_gauge_test.cc - how full a channel was, in virtual time: alone, in an inbox, and
// in front of the stages of a run.

#include "jobs/fill_gauge.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "jobs/inbox.h"
#include "runtime/runtime.h"
#include "runtime/timer.h"
#include "tests/jobs/probe_graph.h"
#include "tests/support/each_procs.h"

namespace gorun::test::fill_gauge_test {

namespace {

using namespace gorun::jobs;
using namespace std::chrono_literals;
using doctest::Approx;

Batch batch_of(std::size_t bytes) {
  const std::string text(bytes, 'x');
  Batch batch;
  batch.push_copy(Item{.text = text});
  return batch;
}

void put(Inbox& inbox, std::size_t bytes) { static_cast<void>(inbox.put(batch_of(bytes))); }

void take(Inbox& inbox) {
  Batch batch;
  static_cast<void>(inbox.try_take(&batch));
}

// What one goroutine does to an inbox.
template <class Use>
std::optional<ChannelFill> fill_of(const Inbox::Shape& shape, const Use& use) {
  std::optional<ChannelFill> fill;
  std::atomic<std::uint64_t> queued{0};
  runtime::Runtime rt({.deterministic = 1});
  run_to_end(rt, [&] {
    Inbox inbox(shape, &queued);
    use(inbox);
    fill = inbox.fill();
  });
  return fill;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/fill_gauge");

TEST_CASE("the mean is over the time in which a channel is read, and the highest is kept") {
  const auto fill = fill_of({.capacity = 4}, [](Inbox& inbox) {
    runtime::sleep(1h);  // nobody reads yet
    put(inbox, 1);
    runtime::sleep(1h);
    inbox.reading_begins();
    put(inbox, 1);
    runtime::sleep(1s);  // with two
    take(inbox);
    runtime::sleep(1s);  // with one
    take(inbox);
    runtime::sleep(2s);
    inbox.close();
    inbox.reading_ends();
    runtime::sleep(1h);
  });
  REQUIRE(fill);
  CHECK(fill->capacity == 4);
  CHECK(fill->mean == Approx(3.0 / 4 / 4));
  CHECK(fill->most == Approx(0.5));
}

TEST_CASE("what nobody takes counts to the end, and what found no room does not") {
  const auto fill = fill_of({.capacity = 2}, [](Inbox& inbox) {
    inbox.reading_begins();
    runtime::sleep(3s);
    put(inbox, 1);
    put(inbox, 1);
    Batch third = batch_of(1);
    static_cast<void>(inbox.try_put(third));
    runtime::sleep(1s);
    inbox.close();
    put(inbox, 1);
    inbox.reading_ends();
  });
  REQUIRE(fill);
  CHECK(fill->mean == Approx(0.25));
  CHECK(fill->most == Approx(1));
}

TEST_CASE("a channel of few large batches is full by its bytes") {
  constexpr std::uint64_t kLimit = std::uint64_t{40} << 20;  // more than there are parts
  const auto fill = fill_of({.capacity = 100, .bytes = kLimit}, [](Inbox& inbox) {
    inbox.reading_begins();
    put(inbox, kLimit / 2);
    runtime::sleep(3s);
    put(inbox, kLimit);  // there was room for it
    runtime::sleep(1s);
    take(inbox);
    take(inbox);
    inbox.close();
    inbox.reading_ends();
  });
  REQUIRE(fill);
  CHECK(fill->mean == Approx((3 * 0.5 + 1.5) / 4));
  CHECK(fill->most == Approx(1));
  CHECK(!fill_of({}, [](Inbox& inbox) { inbox.reading_begins(); }));
}

TEST_CASE("what many goroutines add at once is all there") {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10'000;
  constexpr std::int64_t kTime = std::int64_t{1} << 20;  // ns
  FillGauge gauge(kThreads, 1000);
  gauge.begin(0ns);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&gauge] {
      for (std::int64_t i = 0; i < kRounds; ++i) {
        gauge.came(100, std::chrono::nanoseconds(i * kTime));
        gauge.saw(2, 200);
        gauge.left(100, std::chrono::nanoseconds((i + 1) * kTime));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  gauge.end(std::chrono::nanoseconds(2 * kRounds * kTime));
  const auto fill = gauge.fill(0, 0);
  REQUIRE(fill);
  CHECK(fill->mean == Approx(0.5));
  CHECK(fill->most == Approx(0.5));
}

TEST_CASE("in front of a slow stage the channel is nearly full, and its writer blocked") {
  Probe slow{.process = [](Context&, Batch&&, Out&) {
    runtime::sleep(1s);
    return Flow::kMore;
  }};
  slow.traits = {.batch_items = 1};
  ProbeGraph graph;
  graph.add("text", numbers(200)).add("slow", slow, {.from = {"text"}, .buffer = 16});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 7});
  CHECK(outcome.stages[0].channels.empty());
  CHECK(outcome.stages[0].fullest_channel() == nullptr);
  CHECK(outcome.stages[0].counts.waiting_out > 170s);
  REQUIRE(outcome.stages[1].channels.size() == 1);
  const ChannelFill* const fill = outcome.stages[1].fullest_channel();
  CHECK(fill->capacity == 16);
  CHECK(fill->mean > 0.7);  // a writer that found it full waits until half of it is free
  CHECK(fill->mean < 0.85);
  CHECK(fill->most == Approx(1));
}

TEST_CASE("behind a slow source the channel is nearly empty, and its reader without input") {
  Probe source{.run = [](Context&, Out& out) {
    for (int i = 0; i < 100; ++i) {
      runtime::sleep(1s);
      if (out.emit(Item{.text = "x"}) == Flow::kStop) return;
    }
  }};
  Probe reader{.process = [](Context&, Batch&&, Out&) { return Flow::kMore; }};
  reader.traits = {.batch_items = 1};
  ProbeGraph graph;
  graph.add("slow", source).add("reader", reader, {.from = {"slow"}, .buffer = 16});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 7});
  CHECK(outcome.stages[0].counts.waiting_out < 1s);
  CHECK(outcome.stages[1].counts.waiting_in > 99s);
  REQUIRE(outcome.stages[1].channels.size() == 1);
  CHECK(outcome.stages[1].channels[0].mean < 0.01);
  CHECK(outcome.stages[1].channels[0].most < 0.1);
}

TEST_CASE("a stage of several parts has the channels between them, one that never began has none") {
  std::atomic<long> count = 0, sum = 0;
  Probe parted = sums(&count, &sum);
  parted.run = numbers(100).run;
  Probe fails{.run = [](Context& context, Out&) {
    static_cast<void>(context.fail({FailureKind::kWork, "no", {}}));
  }};
  ProbeGraph graph;
  graph.fail(FailPolicy::kKeepGoing)
      .add("parted", parted)
      .add("fails", fails)
      .add("skipped", passes(), {.from = {"parted"}, .needs = {"fails"}});
  const Outcome outcome = graph.run(RunOptions{.deterministic = 7});
  CHECK(outcome.stages[0].channels.size() == 1);
  CHECK(outcome.stages[2].state == StageState::kSkipped);
  CHECK(outcome.stages[2].channels.empty());
}

TEST_SUITE_END();

}  // namespace gorun::test::fill_gauge_test
