// tests/runtime/report_test.cc - the words about goroutines that are parked for good.
//
// Runs with a seed live in virtual time: what was waited for is exact, and a text can be compared
// whole.

#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/scale.h"

namespace gorun::test::runtime_report_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

constexpr const char* kFile = "tests/runtime/report_test.cc:";

std::string at(unsigned line) { return kFile + std::to_string(line) + "\n"; }

// In whole tenths of a second, the report shows what virtual time made of it.
std::string report_after(Nanos wait) {
  Runtime rt({.deterministic = 1});
  Chan<int> never(0);
  const auto main = [&] {
    go([&] { (void)never.recv(); });
    sleep(wait);
  };
  return describe(rt.run(main));
}

}  // namespace

TEST_SUITE_BEGIN("runtime/report");

TEST_CASE("a finished run has nothing to report") {
  at_each_procs([](Runtime& rt) { CHECK(describe(rt.run([] { go([] {}); })).empty()); });
}

TEST_CASE("a deadlock is reported with every goroutine, its channels and its wait") {
  Chan<int> lines(16);
  lines.set_label("lines");
  Chan<int> plain(4), meeting(0), nil;
  Mutex mutex;
  int value = 0;
  unsigned site = 0;
  const auto reader = [&] {
    set_label("reader");
    (void)lines.recv();
  };
  const auto selector = [&] { (void)select(recv_case(plain, value), send_case(meeting, value)); };
  const auto locker = [&] {
    mutex.lock();
    mutex.lock();
  };
  const auto writer = [&] {
    for (int i = 0; i < 5; ++i) (void)plain.send(i);
  };
  const auto nobody = [&] { (void)nil.recv(); };
  const auto meeter = [&] {
    sleep(1500ms);
    (void)meeting.recv();
    (void)meeting.recv();
  };
  WaitGroup all;
  const auto main = [&] {
    const auto spawn = [&](auto body) {
      all.add(1);
      site = gorun::runtime::SpawnSite::current().line + 1;
      go(body);
    };
    spawn(reader);
    spawn(writer);
    yield();
    spawn(selector);
    yield();
    spawn(locker);
    spawn(nobody);
    spawn(meeter);
    all.wait();
  };
  const unsigned run = gorun::runtime::SpawnSite::current().line + 2;
  Runtime rt({.deterministic = 1});
  const RunResult result = rt.run(main);
  CHECK((result.outcome == RunResult::Outcome::kDeadlocked));
  CHECK(describe(result) ==
        "fatal: all goroutines are parked - deadlock\n"
        "goroutine 1 [wait group, 1.5 s]: spawned at " +
            at(run) +
            "goroutine 2 \"reader\" [chan receive, chan \"lines\" 0/16, 1.5 s]: "
            "spawned at " +
            at(site) + "goroutine 5 [mutex, 1.5 s]: spawned at " + at(site) +
            "goroutine 6 [nil chan, 1.5 s]: spawned at " + at(site) +
            "goroutine 7 [chan receive, chan 1 unbuffered]: spawned at " + at(site));
}

TEST_CASE("equal numbers in a report mean the same channel, in selects as well") {
  Chan<int> a(1), b(0);
  int value = 7;
  const auto chooser = [&] { (void)select(recv_case(a, value), send_case(b, value)); };
  const auto receiver = [&] { (void)a.recv(); };
  const unsigned site = gorun::runtime::SpawnSite::current().line + 2;
  const auto main = [&] {
    go(receiver);
    yield();
    go(chooser);
  };
  Runtime rt({.deterministic = 1});
  const std::string text = describe(rt.run(main));
  const std::string head =
      "leak: the main goroutine returned, but 2 goroutines are parked for good\n"
      "goroutine 2 [chan receive, chan 1 0/1]: spawned at " +
      at(site);
  const std::string tail = "]: spawned at " + at(site + 2);
  CHECK(text == head + "goroutine 3 [select, receive chan 1 0/1, send chan 2 unbuffered" + tail);
}

TEST_CASE("a full channel is reported full") {
  at_each_procs([](Runtime& rt) {
    Chan<int> full(3);
    full.set_label("full");
    const auto main = [&] {
      for (int i = 0; i < 4; ++i) (void)full.send(i);
    };
    const unsigned site = gorun::runtime::SpawnSite::current().line + 1;
    const RunResult result = rt.run(main);
    CHECK(describe(result) ==
          "fatal: all goroutines are parked - deadlock\n"
          "goroutine 1 [chan send, chan \"full\" 3/3]: spawned at " +
              at(site));
  });
}

TEST_CASE("waits are shown in the unit that suits them, and not below a second") {
  const auto shown = [](Nanos wait) {
    const std::string text = report_after(wait);
    const std::size_t from = text.find("unbuffered") + 10;
    return text.substr(from, text.find(']') - from);
  };
  CHECK(shown(999ms) == "");
  CHECK(shown(1s) == ", 1.0 s");
  CHECK(shown(2149ms) == ", 2.1 s");
  CHECK(shown(119s) == ", 119.0 s");
  CHECK(shown(2min) == ", 2 min");
  CHECK(shown(119min) == ", 119 min");
  CHECK(shown(25h) == ", 25 h");
}

TEST_CASE("waits are measured in real runs too") {
  at_each_procs([](Runtime& rt) {
    Chan<int> never(0);
    const RunResult result = rt.run([&] {
      go([&] { (void)never.recv(); });
      while (rt.parked() < 1) yield();
      sleep(50ms);
    });
    REQUIRE(result.stuck.size() == 1);
    // The clock is coarse: at most one long pause of sysmon late.
    CHECK(result.stuck[0].waited > 30ms);
    CHECK(result.stuck[0].waited < 30s);
  });
}

TEST_CASE("a channel that was freed under its waiters is reported as such") {
  if (kUnderTsan) {
    MESSAGE("skipped: freeing a channel that is waited on is the very race that TSan reports");
    return;
  }
  at_each_procs([](Runtime& rt) {
    // Owned by nobody who waits: what the goroutines use are references.
    auto chan = std::make_unique<Chan<int>>(0);
    int value = 0;
    const auto main = [&] {
      go([&] { (void)chan->recv(); });
      go([&] { (void)select(recv_case(*chan, value)); });
    };
    const auto freeing = [&] {
      main();
      while (rt.parked() < 2) yield();
      chan.reset();
    };
    const RunResult result = rt.run(freeing);
    REQUIRE(result.stuck.size() == 2);
    for (const GoroutineInfo& g : result.stuck) {
      REQUIRE(g.channels.size() == 1);
      CHECK(g.channels[0].is_freed);
    }
    CHECK(describe(result).find("[chan receive, a freed chan]") != std::string::npos);
    CHECK(describe(result).find("[select, receive a freed chan]") != std::string::npos);
  });
}

TEST_CASE("of very many goroutines the first hundred are shown, the others counted") {
  at_each_procs([](Runtime& rt) {
    Chan<int> never(0);
    const std::string text = describe(rt.run([&] {
      for (int i = 0; i < 250; ++i) go([&] { (void)never.recv(); });
    }));
    std::size_t lines = 0;
    for (const char c : text) lines += c == '\n' ? 1U : 0U;
    CHECK(lines == 1 + 100 + 1);
    CHECK(text.ends_with("\n... and 150 more\n"));
  });
}

TEST_CASE("a program prints its deadlock, or its leak, word for word") {
  const auto errors_of = [](void (*body)(Chan<int> & never)) {
    const ChildEnd end = run_in_child([body] {
      Runtime rt({.deterministic = 1});
      Chan<int> never(2);
      never.set_label("never");
      const auto main = [&] {
        set_label("main");
        body(never);
      };
      std::fputs(describe(rt.run(main)).c_str(), stderr);
    });
    CHECK(end.exit_code == 0);
    return end.errors;
  };
  const std::string main_site = at(gorun::runtime::SpawnSite::current().line - 5);
  CHECK(errors_of([](Chan<int>& never) {
          sleep(90s);
          (void)never.recv();
        }) ==
        "fatal: all goroutines are parked - deadlock\n"
        "goroutine 1 \"main\" [chan receive, chan \"never\" 0/2]: spawned at " +
            main_site);
  unsigned line = gorun::runtime::SpawnSite::current().line;
  const auto leak = [](Chan<int>& never) {
    go([&never] { (void)never.recv(); });
    sleep(90s);
  };
  line += 2;  // where it is spawned
  CHECK(errors_of(leak) ==
        "leak: the main goroutine returned, but 1 goroutine is parked for good\n"
        "goroutine 2 [chan receive, chan \"never\" 0/2, 90.0 s]: spawned at " +
            at(line));
}

TEST_CASE("the runtime itself prints nothing about a deadlock") {
  const ChildEnd end = run_in_child([] {
    Runtime rt({.procs = 2});
    Chan<int> never(0);
    rt.run([&] { (void)never.recv(); });
  });
  CHECK(end.exit_code == 0);
  CHECK(end.errors.empty());
}

TEST_SUITE_END();

}  // namespace gorun::test::runtime_report_test
