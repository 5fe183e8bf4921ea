// tests/runtime/fatal_test.cc - misuse ends the process, with a message that names the mistake.
//
// Each case runs in a child process; the first line it prints is compared whole.

#include <doctest/doctest.h>

#include <csignal>
#include <stdexcept>
#include <string>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/lines.h"

namespace gorun::test::fatal_test {

namespace {

using namespace gorun::runtime;

struct Misuse {
  const char* name;
  const char* first_line;  // "*" stands for any text
  void (*in_goroutine)();  // run as main goroutine, or null
  void (*outside)();       // run on the main thread, or null
};

Chan<int> closed_channel() {
  Chan<int> ch(0);
  ch.close();
  return ch;
}

const Misuse kMisuses[] = {
    {"close a closed channel", "fatal: chan: close of a closed channel*",
     [] { closed_channel().close(); }, nullptr},
    {"close a nil channel", "fatal: chan: close of a nil channel*", [] { Chan<int>().close(); },
     nullptr},
    {"send outside a goroutine", "fatal: chan: send outside a goroutine*", nullptr,
     [] {
       Chan<int> ch(0);
       (void)ch.send(1);
     }},
    {"receive outside a goroutine", "fatal: chan: receive outside a goroutine*", nullptr,
     [] {
       Chan<int> ch(0);
       (void)ch.recv();
     }},
    {"select outside a goroutine", "fatal: select outside a goroutine*", nullptr,
     [] {
       Chan<int> ch(0);
       int value = 0;
       (void)select(recv_case(ch, value));
     }},
    {"go outside a goroutine", "fatal: go outside a goroutine*", nullptr, [] { go([] {}); }},
    {"yield outside a goroutine", "fatal: yield outside a goroutine*", nullptr, [] { yield(); }},
    {"sleep outside a goroutine", "fatal: sleep outside a goroutine*", nullptr,
     [] { sleep(Nanos{1}); }},
    {"unlock a free mutex", "fatal: mutex: unlock of a free mutex*",
     [] {
       Mutex mutex;
       mutex.unlock();
     },
     nullptr},
    {"unlock a mutex twice", "fatal: mutex: unlock of a free mutex*",
     [] {
       Mutex mutex;
       mutex.lock();
       mutex.unlock();
       mutex.unlock();
     },
     nullptr},
    {"done below zero", "fatal: wait group: *",
     [] {
       WaitGroup group;
       group.done();
     },
     nullptr},
};

}  // namespace

TEST_SUITE_BEGIN("runtime/fatal");

TEST_CASE("misuse aborts and says what was wrong") {
  for (const Misuse& misuse : kMisuses) {
    CAPTURE(misuse.name);
    for (const int procs : kProcsUnderTest) {
      CAPTURE(procs);
      const ChildEnd end = run_in_child([&] {
        if (misuse.outside != nullptr) misuse.outside();
        if (misuse.in_goroutine == nullptr) return;
        Runtime rt({.procs = procs});
        rt.run(misuse.in_goroutine);
      });
      CAPTURE(end.errors);
      CHECK(end.signal == SIGABRT);
      const std::string first_line = end.errors.substr(0, end.errors.find('\n'));
      CHECK(matches(misuse.first_line, first_line));
    }
  }
}

TEST_CASE("misuse outside a goroutine is misuse also while a Runtime exists") {
  const ChildEnd end = run_in_child([] {
    const Runtime rt({.procs = 2});
    Chan<int> ch(0);
    (void)ch.send(1);
  });
  CAPTURE(end.errors);
  CHECK(end.signal == SIGABRT);
  CHECK(matches("fatal: chan: send outside a goroutine*", end.errors));
}

TEST_CASE("an exception that leaves a goroutine aborts with its type, text and goroutine") {
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    const ChildEnd end = run_in_child([&] {
      Runtime rt({.procs = procs});
      rt.run([] {
        WaitGroup all;
        all.go([] {
          set_label("the culprit");
          throw std::runtime_error("cannot go on");
        });
        all.wait();
      });
    });
    CAPTURE(end.errors);
    CHECK(end.signal == SIGABRT);
    CHECK(matches("*runtime_error*", end.errors));
    CHECK(matches("*cannot go on*", end.errors));
    CHECK(matches("*the culprit*", end.errors));
    CHECK(matches("*tests/runtime/fatal_test.cc:*", end.errors));
  }
}

TEST_CASE("an exception of no known type leaves a goroutine with a message, too") {
  const ChildEnd end = run_in_child([] {
    Runtime rt({.procs = 2});
    rt.run([] { throw 42; });
  });
  CAPTURE(end.errors);
  CHECK(end.signal == SIGABRT);
  CHECK(matches("fatal: *", end.errors));
}

TEST_CASE("a run inside a goroutine of another Runtime aborts") {
  const ChildEnd end = run_in_child([] {
    Runtime first({.procs = 2});
    first.run([] {
      Runtime second({.procs = 2});
      second.run([] {});
    });
  });
  CAPTURE(end.errors);
  CHECK(end.signal == SIGABRT);
  CHECK(matches("fatal: *", end.errors));
}

TEST_CASE("a second run of one Runtime aborts") {
  const ChildEnd end = run_in_child([] {
    Runtime rt({.procs = 2});
    rt.run([] {});
    rt.run([] {});
  });
  CAPTURE(end.errors);
  CHECK(end.signal == SIGABRT);
  CHECK(matches("fatal: *", end.errors));
}

TEST_SUITE_END();

}  // namespace gorun::test::fatal_test
