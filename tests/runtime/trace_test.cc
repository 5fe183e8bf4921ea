// tests/runtime/trace_test.cc - what a trace shows must be a picture that a viewer can draw: slices
// nest, whoever starts ends, and nobody runs in two places.

#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/blocking.h"
#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "runtime/trace.h"
#include "tests/support/each_procs.h"
#include "tests/support/fd_pairs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::trace_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kPs = 1, kMs = 2, kGoroutines = 3, kUser = 4;

json stopped_trace() {
  std::ostringstream out;
  trace::stop(out);
  return json::parse(out.str()).at("traceEvents");
}

// Events of one phase in one group of tracks.
std::vector<json> of(const json& events, const std::string& phase, int process) {
  std::vector<json> some;
  for (const json& e : events) {
    if (e.at("ph") == phase && e.at("pid") == process) some.push_back(e);
  }
  return some;
}

// In nanoseconds: the file has microseconds with three decimals.
std::int64_t ns(const json& microseconds) {
  return static_cast<std::int64_t>(std::llround(microseconds.get<double>() * 1000));
}

// Tracks of complete events are flat: each ends before the next begins.
int overlaps(const json& events, int process) {
  std::map<int, std::vector<std::pair<std::int64_t, std::int64_t>>> tracks;
  for (const json& e : of(events, "X", process)) {
    tracks[e.at("tid")].emplace_back(ns(e.at("ts")), ns(e.at("ts")) + ns(e.at("dur")));
  }
  int count = 0;
  for (auto& [track, slices] : tracks) {
    std::sort(slices.begin(), slices.end());
    for (std::size_t i = 1; i < slices.size(); ++i) {
      count += slices[i].first < slices[i - 1].second ? 1 : 0;
    }
  }
  return count;
}

// Asynchronous slices: each "e" closes the innermost open "b" of its track, by name; none stays
// open.
std::string nesting_error(const json& events) {
  std::map<std::tuple<int, std::string, std::uint64_t>, std::vector<std::string>> open;
  std::vector<std::pair<std::int64_t, std::size_t>> order;  // by time, then as written
  for (std::size_t i = 0; i < events.size(); ++i) {
    const json& e = events.at(i);
    if (e.at("ph") == "b" || e.at("ph") == "e") order.emplace_back(ns(e.at("ts")), i);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [time, index] : order) {
    const json& e = events.at(index);
    auto& stack = open[{e.at("pid"), e.at("cat"), e.at("id")}];
    if (e.at("ph") == "b") {
      stack.push_back(e.at("name"));
    } else if (stack.empty() || stack.back() != e.at("name").get<std::string>()) {
      return "not open: " + e.dump();
    } else {
      stack.pop_back();
    }
  }
  for (const auto& [track, stack] : open) {
    if (!stack.empty()) return "never closed: " + stack.back();
  }
  return {};
}

void check_drawable(const json& events) {
  CHECK(nesting_error(events) == "");
  CHECK(overlaps(events, kPs) == 0);
  CHECK(overlaps(events, kMs) == 0);
}

std::set<std::string> names(const std::vector<json>& events) {
  std::set<std::string> all;
  for (const json& e : events) all.insert(e.at("name").get<std::string>());
  return all;
}

// Something of everything that events tell of.
void busy_program(Runtime& rt) {
  WaitGroup all;
  Chan<int> numbers(4);
  const trace::Name track("stage"), work("work"), fill("fill of numbers");
  for (int g = 0; g < 4; ++g) {
    all.go([&, g] {
      set_label("producer " + std::to_string(g));
      for (int i = 0; i < scaled(200); ++i) {
        const trace::Slice slice(track, work);
        (void)numbers.send(i);
        trace::counter(fill, static_cast<std::int64_t>(numbers.size()));
        if (i % 16 == 0) yield();
      }
    });
    all.go([&] {
      for (int i = 0; i < scaled(200); ++i) (void)numbers.recv();
    });
    all.go([] { blocking([] { usleep(2'000); }); });
    all.go([] { blocking(Blocking::kBrief, [] { usleep(2'000); }); });
    all.go([] { sleep(1ms); });
  }
  all.wait();  // which does not park where they have all ended before
  WaitGroup last;
  last.go([&rt] {
    while (rt.parked() < 1) sleep(100us);
  });
  last.wait();
}

}  // namespace

TEST_SUITE_BEGIN("runtime/trace");

TEST_CASE("a trace of everything at once can be drawn, and who started has ended") {
  for (const int procs : kProcsUnderTest) {
    for (const std::uint64_t jitter : {0u, 7u}) {
      CAPTURE(procs);
      CAPTURE(jitter);
      trace::start();
      {
        Runtime rt({.procs = procs, .jitter = jitter});
        run_to_end(rt, [&rt] { busy_program(rt); });
      }
      const json events = stopped_trace();
      check_drawable(events);
      // 1 main, 5 times 4, and the last one.
      std::set<std::uint64_t> lives;
      for (const json& e : of(events, "b", kGoroutines))
        lives.insert(e.at("id").get<std::uint64_t>());
      CHECK(lives.size() == 22);
      std::set<int> ps;
      std::set<std::uint64_t> ran;
      for (const json& e : of(events, "X", kPs)) {
        ps.insert(e.at("tid").get<int>());
        ran.insert(e.at("args").at("goroutine").get<std::uint64_t>());
      }
      CHECK(ran == lives);
      CHECK(*ps.rbegin() < procs);
      const std::set<std::string> states = names(of(events, "b", kGoroutines));
      for (const char* state : {"running", "runnable", "sleep", "wait group", "blocking call"}) {
        CAPTURE(std::string(state));
        CHECK(states.contains(state));
      }
      CHECK(names(of(events, "X", kMs)).contains("P0"));
      CHECK(names(of(events, "X", kMs)).contains("blocking call"));
      CHECK(names(of(events, "b", kUser)) == std::set<std::string>{"work"});
      CHECK(names(of(events, "C", kUser)) == std::set<std::string>{"fill of numbers"});
    }
  }
}

TEST_CASE("a goroutine is shown by its label, its spawn site, and what stopped it") {
  trace::start();
  Runtime rt({.procs = 1});
  Chan<int> ch(0);
  run_to_end(rt, [&] {
    go([&] {
      set_label("caf\xc3\xa9 \"quoted\"\n\xff");
      (void)ch.recv();
    });
    while (rt.parked() < 1) yield();
    (void)ch.send(1);
  });
  const json events = stopped_trace();
  check_drawable(events);
  const std::string label = "G2 caf\xc3\xa9 \"quoted\"\n\xef\xbf\xbd";
  std::vector<std::string> until;
  bool made_ready_by_main = false;
  for (const json& e : of(events, "X", kPs)) {
    if (e.at("name") != label) continue;
    until.push_back(e.at("args").at("until"));
    made_ready_by_main |= e.at("args").value("ready_by", 0) == 1;
  }
  std::erase(until, "yield");  // of a run with jitter, where it likes
  CHECK(until == std::vector<std::string>{"chan receive", "end"});
  CHECK(made_ready_by_main);
  for (const json& e : of(events, "b", kGoroutines)) {
    if (e.at("name") != label) continue;
    CHECK(
        e.at("args").at("spawned").get<std::string>().starts_with("tests/runtime/trace_test.cc:"));
  }
}

TEST_CASE("a trace begun and ended in the middle of a run shows what it saw, whole") {
  at_each_procs([](Runtime& rt) {
    json events;
    run_to_end(rt, [&] {
      Chan<int> ping(0), pong(0);
      go([=]() mutable {
        while (ping.recv()) (void)pong.send(1);
      });
      const trace::Name track("t"), outer("outer"), inner("inner");
      const auto rally = [&] {
        for (int i = 0; i < 100; ++i) {
          (void)ping.send(1);
          (void)pong.recv();
        }
      };
      rally();
      std::ostringstream out;
      {
        const trace::Slice before(track, outer);  // its end is no event of the trace's
        trace::start();
        rally();
      }
      const trace::Slice unfinished(track, inner);  // its end comes too late
      rally();
      blocking([&] { trace::stop(out); });
      rally();
      ping.close();
      events = json::parse(out.str()).at("traceEvents");
    });
    check_drawable(events);
    CHECK(names(of(events, "b", kUser)) == std::set<std::string>{"inner"});
    CHECK(of(events, "X", kPs).size() >= 200);
  });
}

TEST_CASE("a goroutine that sysmon made ready is shown like any other") {
  Runtime rt({.procs = 1});
  trace::start();
  run_to_end(rt, [&] {
    PipeEnds pipe = make_pipe();
    WaitGroup waiter;
    waiter.go([&] { (void)pipe.reader.wait_readable_aside(); });
    wait_until_parked(rt, WaitReason::kOutside, 1);
    (void)!write(pipe.writer.get(), "w", 1);
    // Busy, without a runtime call, is the only P: nobody but sysmon finds the event.
    while (rt.parked(WaitReason::kOutside) > 0) {
    }
    waiter.wait();
  });
  check_drawable(stopped_trace());
}

TEST_CASE("a full ring drops the oldest events, says so, and can still be drawn") {
  at_each_procs([](Runtime& rt) {
    trace::start({.events_per_thread = 16});
    run_to_end(rt, [&rt] { busy_program(rt); });
    std::ostringstream out;
    trace::stop(out);
    const json file = json::parse(out.str());
    CHECK(file.at("otherData").at("dropped_events") > 0);
    check_drawable(file.at("traceEvents"));
  });
}

TEST_CASE("traces may be started and stopped while every P is busy noting events") {
  at_each_procs([](Runtime& rt) {
    int drawable = 0;
    run_to_end(rt, [&] {
      std::atomic<bool> done{false};
      WaitGroup all;
      for (int g = 0; g < 8; ++g) {
        all.go([&] {
          while (!done) yield();
        });
      }
      for (int round = 0; round < scaled(12, 2); ++round) {
        std::ostringstream out;
        trace::start({.events_per_thread = 1000});
        for (int i = 0; i < scaled(50, 10); ++i) yield();
        blocking([&] { trace::stop(out); });
        drawable += nesting_error(json::parse(out.str()).at("traceEvents")).empty() ? 1 : 0;
      }
      done = true;
      all.wait();
    });
    CHECK(drawable == scaled(12, 2));
  });
}

TEST_CASE("a trace is written to a file, or the error returned") {
  const std::string path = std::filesystem::temp_directory_path() /
                           ("gorun_trace_" + std::to_string(getpid()) + ".json");
  trace::start();
  CHECK(trace::is_on());
  {
    Runtime rt({.procs = 2});
    run_to_end(rt, [] { go([] {}); });
  }
  CHECK(!trace::stop(path));
  CHECK(!trace::is_on());
  std::ifstream file(path);
  check_drawable(json::parse(file).at("traceEvents"));
  std::filesystem::remove(path);
  trace::start();
  CHECK(trace::stop("/no/such/directory/trace.json") == std::errc::no_such_file_or_directory);
}

TEST_CASE("an empty trace is a valid file") {
  trace::start();
  CHECK(of(stopped_trace(), "X", kPs).empty());
}

TEST_SUITE_END();

}  // namespace gorun::test::trace_test
