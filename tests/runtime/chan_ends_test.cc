// tests/runtime/chan_ends_test.cc - ends of channels, and what is said of those whose peers are
// gone.

#include "runtime/chan_ends.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::chan_ends_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;
using Outcome = RunResult::Outcome;

std::string at(unsigned line) {
  return "tests/runtime/chan_ends_test.cc:" + std::to_string(line) + "\n";
}

unsigned line_here(SpawnSite where = SpawnSite::current()) { return where.line; }

}  // namespace

TEST_SUITE_BEGIN("runtime/chan/ends");

TEST_CASE("values go from a sender to a receiver, by every operation") {
  at_each_procs([](Runtime& rt) {
    std::vector<int> received;
    bool refused = false;
    run_to_end(rt, [&] {
      auto ends = make_chan<int>(2);
      WaitGroup sending;
      sending.go([out = ends.out, &refused]() mutable {
        int four = 4;
        (void)out.send(1);
        while (out.try_send(2) != ChanStatus::kOk) yield();
        (void)out.send(3);
        (void)select(send_case(out, four));
        out.close();
        refused = out.send(5) == ChanStatus::kClosed && out.try_send(5) == ChanStatus::kClosed;
      });
      int value = 0;
      std::optional<int> maybe;
      received.push_back(ends.in.recv().value.value_or(0));
      if (select(recv_case(ends.in, value)).status == ChanStatus::kOk) received.push_back(value);
      if (select(recv_case(ends.in, maybe)).status == ChanStatus::kOk) received.push_back(*maybe);
      for (const int rest : ends.in) received.push_back(rest);
      sending.wait();
      if (ends.in.is_closed() && ends.in.try_recv().status == ChanStatus::kClosed) {
        received.push_back(0);
      }
    });
    CHECK(received == std::vector<int>{1, 2, 3, 4, 0});
    CHECK(refused);
  });
}

TEST_CASE("a Chan converts to either end, and all three name the same channel") {
  at_each_procs([](Runtime& rt) {
    int sum = 0;
    run_to_end(rt, [&] {
      Chan<int> chan(3);
      Sender<int> out = chan;
      Receiver<int> in = chan;
      Sender<int> copy = out;
      Sender<int> moved = std::move(copy);
      (void)chan.send(1);
      (void)moved.send(20);
      sum = *in.recv() + *chan.recv();
      if (in.capacity() == 3 && moved == out && in.size() == 0) sum += 300;
      if (Sender<int>().is_nil() && copy.is_nil() && !out.is_nil()) sum += 4'000;
    });
    CHECK(sum == 4'321);
  });
}

TEST_CASE("values left in a channel go with its last end, whichever that is") {
  at_each_procs([](Runtime& rt) {
    const int n = scaled(2'000, 100);
    auto token = std::make_shared<int>(0);
    run_to_end(rt, [&] {
      WaitGroup all;
      for (int i = 0; i < n; ++i) {
        auto ends = make_chan<std::shared_ptr<int>>(1);
        (void)ends.out.send(token);
        all.go([out = std::move(ends.out)] { yield(); });
        all.go([in = std::move(ends.in)] { yield(); });
      }
      all.wait();
      yield_until("all ends dropped", [&] { return token.use_count() == 1; });
    });
    CHECK(token.use_count() == 1);
  });
}

TEST_CASE("a receiver whose last sender goes is reported while the run goes on") {
  at_each_procs([](Runtime& rt) {
    std::vector<GoroutineInfo> before, after;
    unsigned site = 0;
    auto ends = make_chan<int>(16, "lines");
    const auto receiver = [in = std::move(ends.in)]() mutable {
      set_label("reader");
      (void)in.recv();
    };
    const auto main = [&] {
      Sender<int> other = ends.out;
      go(receiver);
      site = line_here() - 1;
      wait_until_parked(rt, WaitReason::kChanRecv, 1);
      ends.out = {};
      before = rt.leaked();  // one sender is left
      other = {};
      after = rt.leaked();
    };
    const RunResult result = rt.run(main);
    CHECK(before.empty());
    CHECK(describe(before).empty());
    REQUIRE(after.size() == 1);
    CHECK(after[0].waited < 1h);  // a length, and no time of day
    const std::string line =
        "goroutine " + std::to_string(after[0].id) +
        " \"reader\" [chan receive, chan \"lines\" 0/16 without sender]: spawned at " + at(site);
    CHECK(describe(after) == "leak: 1 goroutine waits for a peer that is gone\n" + line);
    CHECK(describe(result) ==
          "leak: the main goroutine returned, but 1 goroutine is parked for good\n" + line);
  });
}

TEST_CASE("senders whose last receiver goes are reported, those that come later as well") {
  at_each_procs([](Runtime& rt) {
    constexpr int kSenders = 5;
    std::vector<GoroutineInfo> first, all;
    auto ends = make_chan<int>(0, "out");
    const auto sender = [out = ends.out]() mutable { (void)out.send(1); };
    const auto main = [&] {
      for (int i = 0; i < kSenders; ++i) go(sender);
      wait_until_parked(rt, WaitReason::kChanSend, kSenders);
      ends.in = {};
      first = rt.leaked();
      go(sender);
      wait_until_parked(rt, WaitReason::kChanSend, kSenders + 1);
      all = rt.leaked();
    };
    const RunResult result = rt.run(main);
    CHECK(first.size() == kSenders);
    CHECK(all.size() == kSenders + 1);
    CHECK((result.outcome == Outcome::kLeaked));
    CHECK(result.stuck.size() == kSenders + 1);
    for (const GoroutineInfo& g : all) {
      REQUIRE(g.channels.size() == 1);
      CHECK(g.channels[0].is_orphaned);
      CHECK((g.reason == WaitReason::kChanSend));
    }
    CHECK(describe(all).starts_with("leak: 6 goroutines wait for peers that are gone\n"));
    CHECK(describe(all).find(" [chan send, chan \"out\" unbuffered without receiver]") !=
          std::string::npos);
  });
}

TEST_CASE("who has a peer, a full ring or a closed channel before it is not reported") {
  at_each_procs([](Runtime& rt) {
    std::vector<GoroutineInfo> leaked;
    std::vector<int> got;
    run_to_end(rt, [&] {
      // The values of a sender that is gone are still received, and its close is seen.
      auto kept = make_chan<int>(2);
      (void)kept.out.send(1);
      (void)kept.out.send(2);
      kept.out.close();
      kept.out = {};
      for (const int value : kept.in) got.push_back(value);
      // A Chan is a peer as well.
      Chan<int> chan(0);
      Receiver<int> in = chan;
      WaitGroup receiving;
      receiving.go([&got, in = std::move(in)]() mutable { got.push_back(*in.recv()); });
      Sender<int> out = chan;
      out = {};
      wait_until_parked(rt, WaitReason::kChanRecv, 1);
      leaked = rt.leaked();
      (void)chan.send(3);
      receiving.wait();
    });
    CHECK(leaked.empty());
    CHECK(got == std::vector<int>{1, 2, 3});
  });
}

TEST_CASE("a select is judged when the run ends, case by case") {
  at_each_procs([](Runtime& rt) {
    std::vector<GoroutineInfo> early;
    auto orphaned = make_chan<int>(4, "orphaned");
    auto late = make_chan<int>(0, "late");
    const auto chooser = [in = std::move(orphaned.in), both = late.out]() mutable {
      int value = 0;
      (void)select(recv_case(in, value), send_case(both, value));
      (void)select(recv_case(in, value), send_case(both, value));
    };
    const unsigned site = line_here() + 2;
    const auto main = [&] {
      go(chooser);
      wait_until_parked(rt, WaitReason::kSelect, 1);
      orphaned.out = {};
      early = rt.leaked();  // the other case may run, and does
      (void)late.in.recv();
      wait_until_parked(rt, WaitReason::kSelect, 1);
      late.in = {};
    };
    const RunResult result = rt.run(main);
    CHECK(early.empty());
    REQUIRE(result.stuck.size() == 1);
    const std::string text = describe(result);
    CAPTURE(text);
    CHECK(text.find("receive chan \"orphaned\" 0/4 without sender") != std::string::npos);
    CHECK(text.find("send chan \"late\" unbuffered without receiver") != std::string::npos);
    CHECK(text.ends_with("]: spawned at " + at(site)));
  });
}

TEST_CASE("a timer's channel whose Timer fires as its receiver waits is no leak") {
  at_each_procs([](Runtime& rt) {
    std::vector<GoroutineInfo> leaked;
    bool got = false;
    run_to_end(rt, [&] {
      Receiver<Nanos> fired = after(1ms);
      got = static_cast<bool>(fired.recv());
      leaked = rt.leaked();
    });
    CHECK(got);
    CHECK(leaked.empty());
  });
}

TEST_CASE("ends dropped while others park: each leak is reported once, and nobody else") {
  at_each_procs([](Runtime& rt) {
    const int rounds = scaled(300, 60);
    std::atomic<int> served{0};
    std::size_t leaked = 0;
    const RunResult result = rt.run([&] {
      for (int i = 0; i < rounds; ++i) {
        auto ends = make_chan<int>(0);
        go([&served, in = std::move(ends.in)]() mutable { served += in.recv() ? 1 : 0; });
        // Every other sender keeps its promise; the drop races with the receiver's parking.
        go([i, out = std::move(ends.out)]() mutable {
          if (i % 2 == 0) (void)out.send(i);
        });
      }
      wait_until_parked(rt, WaitReason::kChanRecv, static_cast<std::size_t>(rounds) / 2);
      yield_until("all leaks are reported",
                  [&] { return rt.leaked().size() >= static_cast<std::size_t>(rounds) / 2; });
      leaked = rt.leaked().size();
    });
    CHECK(served == rounds / 2);
    CHECK(leaked == static_cast<std::size_t>(rounds) / 2);
    CHECK(result.stuck.size() == leaked);
  });
}

TEST_CASE("a program may print its leaks while it runs, and how it ended afterwards") {
  const ChildEnd end = run_in_child([] {
    Runtime rt({.deterministic = 1});
    auto ends = make_chan<int>(8, "orders");
    const auto stage = [in = std::move(ends.in)]() mutable {
      set_label("stage");
      while (in.recv()) {
      }
    };
    const auto main = [&] {
      go(stage);
      go([out = std::move(ends.out)]() mutable {
        (void)out.send(1);  // and forgets to close
      });
      sleep(2s);
      std::fputs(describe(rt.leaked()).c_str(), stderr);
    };
    std::fputs(describe(rt.run(main)).c_str(), stderr);
  });
  const unsigned site = line_here() - 9;
  CHECK(end.exit_code == 0);
  const std::string line =
      "goroutine 2 \"stage\" [chan receive, chan \"orders\" 0/8 without sender, 2.0 s]: "
      "spawned at " +
      at(site);
  CHECK(end.errors ==
        "leak: 1 goroutine waits for a peer that is gone\n" + line +
            "leak: the main goroutine returned, but 1 goroutine is parked for good\n" + line);
}

TEST_SUITE_END();

}  // namespace gorun::test::chan_ends_test
