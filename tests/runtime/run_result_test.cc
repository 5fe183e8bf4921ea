// tests/runtime/run_result_test.cc - how a run ends when goroutines are parked for good.
//
// Their stacks are dropped without unwinding, so whatever they own would leak: here everything they
// use belongs to the test.

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"

namespace gorun::test::run_result_test {

namespace {

using namespace gorun::runtime;
using Outcome = RunResult::Outcome;

std::vector<std::string> reasons(const RunResult& result) {
  std::vector<std::string> all;
  for (const GoroutineInfo& g : result.stuck) all.emplace_back(to_string(g.reason));
  std::sort(all.begin(), all.end());
  return all;
}

// What a stuck goroutine parks on. Made outside the run, so that no dropped stack owns anything.
struct Places {
  Chan<int> empty{0};
  Chan<int> nil;
  Mutex mutex;
  WaitGroup group;
  int value = 0;
};

struct WayToPark {
  const char* name;
  WaitReason reason;
  void (*park)(Places&);
};

constexpr WayToPark kWaysToPark[] = {
    {"receive", WaitReason::kChanRecv, [](Places& at) { (void)at.empty.recv(); }},
    {"send", WaitReason::kChanSend, [](Places& at) { (void)at.empty.send(1); }},
    {"receive from nil", WaitReason::kNilChan, [](Places& at) { (void)at.nil.recv(); }},
    {"send to nil", WaitReason::kNilChan, [](Places& at) { (void)at.nil.send(1); }},
    {"select", WaitReason::kSelect,
     [](Places& at) { (void)select(recv_case(at.empty, at.value), recv_case(at.nil, at.value)); }},
    {"select over nil only", WaitReason::kSelect,
     [](Places& at) { (void)select(recv_case(at.nil, at.value), send_case(at.nil, at.value)); }},
    {"select over nothing", WaitReason::kSelect,
     [](Places&) { (void)select(std::span<SelectCase>{}); }},
    {"lock twice", WaitReason::kMutex,
     [](Places& at) {
       at.mutex.lock();
       at.mutex.lock();
     }},
    {"wait for nobody's done", WaitReason::kWaitGroup,
     [](Places& at) {
       at.group.add(1);
       at.group.wait();
     }},
};

}  // namespace

TEST_SUITE_BEGIN("runtime/run_result");

TEST_CASE("main parked for good is a deadlock, with its reason, however it parked") {
  for (const WayToPark& way : kWaysToPark) {
    CAPTURE(way.name);
    at_each_procs([&](Runtime& rt) {
      Places places;
      const RunResult result = rt.run([&] { way.park(places); });
      INFO(describe(result));
      CHECK((result.outcome == Outcome::kDeadlocked));
      REQUIRE(result.stuck.size() == 1);
      CHECK((result.stuck[0].reason == way.reason));
    });
  }
}

TEST_CASE("a goroutine parked for good after main returned is a leak, however it parked") {
  for (const WayToPark& way : kWaysToPark) {
    CAPTURE(way.name);
    at_each_procs([&](Runtime& rt) {
      Places places;
      const RunResult result = rt.run([&] { go([&] { way.park(places); }); });
      INFO(describe(result));
      CHECK((result.outcome == Outcome::kLeaked));
      REQUIRE(result.stuck.size() == 1);
      CHECK((result.stuck[0].reason == way.reason));
    });
  }
}

TEST_CASE("every stuck goroutine is reported with its label and the place that spawned it") {
  at_each_procs([](Runtime& rt) {
    Places places;
    unsigned plain_line = 0;
    unsigned grouped_line = 0;
    const RunResult result = rt.run([&] {
      go([&] {
        set_label("reader of \"empty\"");
        (void)places.empty.recv();
      });
      plain_line = gorun::runtime::SpawnSite::current().line - 1;  // where that call ends
      places.group.go([&] {
        set_label("selector");
        (void)select(recv_case(places.nil, places.value));
      });
      grouped_line = gorun::runtime::SpawnSite::current().line - 1;
      go([] { yield(); });  // ends, and so is not reported
      set_label("main");
      places.group.wait();
    });
    INFO(describe(result));
    CHECK((result.outcome == Outcome::kDeadlocked));
    REQUIRE(result.stuck.size() == 3);
    std::vector<std::uint64_t> ids;
    for (const GoroutineInfo& g : result.stuck) {
      ids.push_back(g.id);
      if (g.label == "main") {
        CHECK((g.reason == WaitReason::kWaitGroup));
        continue;
      }
      const bool is_reader = g.label == "reader of \"empty\"";
      if (!is_reader) CHECK(g.label == "selector");
      CHECK((g.reason == (is_reader ? WaitReason::kChanRecv : WaitReason::kSelect)));
      CHECK(std::string(g.spawned.file).ends_with("tests/runtime/run_result_test.cc"));
      // The call spans four lines; compilers place it on its first or its last.
      const unsigned end = is_reader ? plain_line : grouped_line;
      CHECK(g.spawned.line <= end);
      CHECK(g.spawned.line + 3 >= end);
    }
    std::sort(ids.begin(), ids.end());
    CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
  });
}

TEST_CASE("a ring of goroutines that wait for each other is a deadlock of all") {
  at_each_procs([](Runtime& rt) {
    std::vector<Chan<int>> ring;
    for (int i = 0; i < 10; ++i) ring.emplace_back(0U);
    const RunResult result = rt.run([&] {
      for (std::size_t i = 0; i < 9; ++i) {
        go([&, i] {
          (void)ring[i].recv();
          (void)ring[i + 1].send(1);
        });
      }
      (void)ring[9].recv();
      (void)ring[0].send(1);
    });
    INFO(describe(result));
    CHECK((result.outcome == Outcome::kDeadlocked));
    CHECK(reasons(result) == std::vector<std::string>(10, to_string(WaitReason::kChanRecv)));
  });
}

TEST_CASE("a thousand leaked goroutines are all reported, after the others have ended") {
  at_each_procs([](Runtime& rt) {
    Places places;
    std::atomic<int> ended{0};
    const RunResult result = rt.run([&] {
      for (int i = 0; i < 1'000; ++i) {
        go([&] { (void)places.empty.recv(); });
        go([&] {
          for (int turn = 0; turn < 3; ++turn) yield();
          ++ended;
        });
      }
    });
    CHECK((result.outcome == Outcome::kLeaked));
    CHECK(result.stuck.size() == 1'000);
    CHECK(ended == 1'000);
  });
}

TEST_CASE("a deadlock is not declared before the last sleeper has had its chance") {
  at_each_procs([](Runtime& rt) {
    Places places;
    std::atomic<bool> woke{false};
    const RunResult result = rt.run([&] {
      go([&] {
        sleep(std::chrono::milliseconds(5));
        woke = true;
      });
      (void)places.empty.recv();
    });
    CHECK((result.outcome == Outcome::kDeadlocked));
    CHECK(result.stuck.size() == 1);
    CHECK(woke);
  });
}

TEST_CASE("the end is neither missed nor imagined when goroutines end and park by turns") {
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    at_each_procs([&](Runtime& rt) {
      Places places;
      std::atomic<int> ended{0};
      const bool leak = round % 2 == 0;
      const RunResult result = rt.run([&] {
        for (int g = 0; g < 6; ++g) {
          go([&, g] {
            for (int turn = 0; turn < (g * round) % 5; ++turn) yield();
            if (leak && g == round % 6) (void)places.empty.recv();
            ++ended;
          });
        }
      });
      CHECK((result.outcome == (leak ? Outcome::kLeaked : Outcome::kFinished)));
      CHECK(ended == (leak ? 5 : 6));
    });
  }
}

TEST_CASE("a runtime follows one that was left stuck") {
  at_each_procs([](Runtime& rt) {
    Places places;
    const RunResult result = rt.run([&] { (void)places.empty.recv(); });
    CHECK((result.outcome == Outcome::kDeadlocked));
  });
  at_each_procs([](Runtime& rt) {
    int sum = 0;
    run_to_end(rt, [&] {
      Chan<int> ch(0);
      go([ch]() mutable { (void)ch.send(5); });
      sum = *ch.recv();
    });
    CHECK(sum == 5);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::run_result_test
