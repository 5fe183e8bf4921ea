// tests/runtime/idle_test.cc - where everybody waits, every thread sleeps, and none wakes to look.

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "runtime/blocking.h"
#include "runtime/chan.h"
#include "runtime/io.h"
#include "runtime/runtime.h"
#include "runtime/sched/sched.h"
#include "runtime/select.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/fd_pairs.h"
#include "tests/support/parked.h"

namespace gorun::test::idle_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

enum class WaitFor { kPeer, kTime, kInput, kInputAside };

// Until `end` is closed, or the reader.
void wait_for(WaitFor what, Chan<Unit> end, Fd& reader) {
  char byte = 0;
  switch (what) {
    case WaitFor::kPeer:
      (void)end.recv();
      return;
    case WaitFor::kTime:
      (void)select(recv_case(end), timeout_case(1h));
      return;
    case WaitFor::kInput:
      (void)reader.read(&byte, 1);
      return;
    case WaitFor::kInputAside:
      (void)reader.wait_readable_aside();
      return;
  }
}

// All threads of the runtime, but for the caller's, which is in a blocking section.
bool do_others_sleep() {
  const std::lock_guard guard(sched->lock);
  const std::size_t asleep =
      sched->idle_m_count + sched->ended_m_count + (sched->timekeeper == nullptr ? 0 : 1);
  return sched->sysmon_asleep && asleep + 1 == sched->ms.size();
}

// How often threads of the process have gone to sleep.
long sleeps() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_nvcsw;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/idle");

TEST_CASE("while all goroutines wait no thread wakes, whatever they wait for") {
  for (const Blocking kind : {Blocking::kBrief, Blocking::kLong}) {
    for (const WaitFor what :
         {WaitFor::kPeer, WaitFor::kTime, WaitFor::kInput, WaitFor::kInputAside}) {
      CAPTURE(kind == Blocking::kLong);
      CAPTURE(static_cast<int>(what));
      at_each_procs([kind, what](Runtime& rt) {
        bool came_to_rest = false;
        long woken = 0;
        run_to_end(rt, [&] {
          PipeEnds pipe = make_pipe();
          Chan<Unit> end(0);
          WaitGroup waiter;
          waiter.go([&] { wait_for(what, end, pipe.reader); });
          wait_until_parked(rt, 1);
          blocking(kind, [&] {
            for (int ms = 0; ms < 60'000 && !came_to_rest; ++ms) {
              std::this_thread::sleep_for(1ms);
              came_to_rest = do_others_sleep();
            }
            const long before = sleeps();
            std::this_thread::sleep_for(50ms);
            woken = sleeps() - before;
          });
          end.close();
          (void)pipe.reader.close();
          waiter.wait();
        });
        CHECK(came_to_rest);
        // This thread's own, and a sanitizer's; one that looks every millisecond would show 50.
        CHECK(woken < 20);
      });
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::idle_test
