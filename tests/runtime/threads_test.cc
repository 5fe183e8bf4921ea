// tests/runtime/threads_test.cc - threads come with blocking calls, and go when they idle.

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <mutex>
#include <set>
#include <thread>

#include "runtime/blocking.h"
#include "runtime/chan.h"
#include "runtime/os_thread.h"
#include "runtime/runtime.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sync.h"
#include "runtime/timer.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"
#include "tests/support/scale.h"

namespace gorun::test::threads_test {

namespace {

using namespace gorun::runtime;
using namespace std::chrono_literals;

int thread_count() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                                        std::filesystem::directory_iterator()));
}

// Ms that are neither idle nor without a thread.
int busy_ms() {
  const std::lock_guard guard(sched->lock);
  const std::size_t asleep = sched->idle_m_count + (sched->timekeeper == nullptr ? 0 : 1);
  return static_cast<int>(sched->ms.size() - sched->ended_m_count - asleep);
}

// A door that threads block at until it is opened.
class Door {
 public:
  void pass() {
    std::unique_lock guard(mutex_);
    ++waiting_;
    opened_.wait(guard, [&] { return open_; });
  }
  void open() {
    {
      const std::lock_guard guard(mutex_);
      open_ = true;
    }
    opened_.notify_all();
  }
  [[nodiscard]] int waiting() {
    const std::lock_guard guard(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  int waiting_ = 0;
  bool open_ = false;
};

// So many goroutines in blocking calls at once.
void burst(int goroutines) {
  Door door;
  WaitGroup all;
  for (int i = 0; i < goroutines; ++i) {
    all.go([&] { blocking([&] { door.pass(); }); });
  }
  yield_until("all block", [&] { return door.waiting() == goroutines; });
  door.open();
  all.wait();
}

// So that the limit of processes holds, which root has none of; and nobody else counts in it.
void become_nobody_else() {
  if (geteuid() == 0 && setuid(static_cast<uid_t>(1'000'000 + getpid())) != 0) std::_Exit(2);
}

void refuse_threads() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NPROC, &limit) != 0) std::_Exit(2);
  limit.rlim_cur = 1;
  if (setrlimit(RLIMIT_NPROC, &limit) != 0) std::_Exit(2);
}

void grant_threads() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NPROC, &limit) != 0) std::_Exit(2);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NPROC, &limit) != 0) std::_Exit(2);
}

// A run of its own process, where threads may be refused; it comes to its end.
void check_in_child(int procs, const std::function<void(const Runtime&)>& main) {
  CAPTURE(procs);
  const ChildEnd end = run_in_child([&] {
    become_nobody_else();
    Runtime rt({.procs = procs});
    const RunResult result = rt.run([&] { main(rt); });
    if (result.outcome != RunResult::Outcome::kFinished) std::_Exit(3);
  });
  CAPTURE(end.errors);
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

// How often threads of the process have gone to sleep.
long sleeps() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_nvcsw;
}

// Of the caller's P.
int p_id() {
  const RtSection rt;
  return current_m()->p->id;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/threads");

TEST_CASE("threads that a burst of blocking calls has left end when they idle") {
  std::thread([] {}).join();             // TSan starts its own thread with the first
  const int elsewhere = thread_count();  // the main thread, and a sanitizer's
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    Runtime rt({.procs = procs, .idle_thread_ms = 2});
    const int burst_size = scaled(200, 50);
    int most = 0;
    run_to_end(rt, [&] {
      for (int round = 0; round < 3; ++round) {
        Door door;
        WaitGroup all;
        for (int i = 0; i < burst_size; ++i) {
          all.go([&] { blocking([&] { door.pass(); }); });
        }
        yield_until("all block", [&] { return door.waiting() == burst_size; });
        most = thread_count() - elsewhere;
        door.open();
        all.wait();
        // One for each P, four to spare, the one that keeps the time, sysmon; one on its way out.
        yield_until("threads end", [&] { return thread_count() - elsewhere <= procs + 4 + 3; });
      }
    });
    CHECK(most > burst_size);
    CHECK(thread_count() == elsewhere);
  }
}

TEST_CASE("where threads are refused, fewer do the work") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root can become a user whose limit nobody else counts in");
    return;
  }
  // Threads of the user: main, sysmon, TSan's, and one M; or some. With one it matters who gets it.
  constexpr rlim_t kLeast = kUnderTsan ? 5 : 3;
  for (int run = 0; run < 24; ++run) {
    const int procs = kProcsUnderTest[run % 3];
    const rlim_t threads = run < 3 ? 7 : kLeast;
    CAPTURE(procs);
    CAPTURE(threads);
    const ChildEnd end = run_in_child([procs, threads] {
      const rlimit few{threads, threads};
      if (setrlimit(RLIMIT_NPROC, &few) != 0) std::_Exit(2);
      become_nobody_else();
      std::atomic<int> done{0};
      int ticks = 0;
      Runtime rt({.procs = procs});
      run_to_end(rt, [&] {
        WaitGroup all;
        for (int i = 0; i < 40; ++i) {
          all.go([&] {
            blocking([] { std::this_thread::sleep_for(5ms); });
            sleep(1ms);
            ++done;
          });
        }
        for (; done < 40; ++ticks) sleep(1ms);
        all.wait();
      });
      if (done != 40 || ticks == 0) std::_Exit(3);
    });
    CAPTURE(end.errors);
    CHECK(end.signal == 0);
    CHECK(end.exit_code == 0);
  }
}

TEST_CASE("what a P holds whose thread was refused runs when one is granted") {
  for (const int procs : kProcsUnderTest) {
    check_in_child(procs, [](const Runtime&) {
      Door door;
      refuse_threads();
      yield();  // a tick that sysmon has hardly seen when the P goes idle
      WaitGroup helper;
      helper.go([&] { door.open(); });
      blocking(Blocking::kLong, [&] {
        grant_threads();
        door.pass();
      });
      helper.wait();
    });
  }
}

TEST_CASE("where threads are refused, who only makes blocking calls lets the others run") {
  for (const Blocking kind : {Blocking::kBrief, Blocking::kLong}) {
    CAPTURE(kind == Blocking::kLong);
    for (const int procs : kProcsUnderTest) {
      check_in_child(procs, [kind](const Runtime&) {
        refuse_threads();
        std::atomic<bool> ran{false};
        for (const bool queued : {false, true}) {
          ran = false;
          WaitGroup other;
          other.go([&] {
            if (queued) yield();
            ran = true;
          });
          while (!ran) blocking(kind, [] { std::this_thread::sleep_for(100us); });
          other.wait();
        }
      });
    }
  }
}

TEST_CASE("a sleeper wakes although the thread was refused that was to keep the time") {
  for (const int procs : kProcsUnderTest) {
    check_in_child(procs, [](const Runtime& rt) {
      Door door;
      refuse_threads();
      WaitGroup sleeper;
      sleeper.go([&] {
        sleep(100ms);  // longer than sysmon looks for work in vain
        door.open();
      });
      wait_until_parked(rt, WaitReason::kSleep, 1);
      blocking(Blocking::kLong, [&] {
        grant_threads();
        door.pass();
      });
      sleeper.wait();
    });
  }
}

TEST_CASE("work that waits for a refused thread is looked after ever more rarely") {
  for (const int procs : kProcsUnderTest) {
    check_in_child(procs, [](const Runtime&) {
      Door door;
      refuse_threads();
      WaitGroup helper;
      helper.go([&] { door.open(); });
      blocking(Blocking::kLong, [&] {
        const auto start = std::chrono::steady_clock::now();
        const long before = sleeps();
        std::this_thread::sleep_for(300ms);
        const long looks = sleeps() - before;
        const auto passed = std::chrono::steady_clock::now() - start;
        // Some at first, then one in a millisecond; every 20 us would be 15 times as many.
        if (looks > 200 + 2 * (passed / 1ms)) std::_Exit(4);
        grant_threads();
        door.pass();
      });
      helper.wait();
    });
  }
}

TEST_CASE("a P that is too many gives away what it holds although its thread was refused") {
  check_in_child(2, [](const Runtime&) {
    Door door;
    std::atomic<bool> is_other_running{false};
    std::atomic<bool> is_decided{false};
    std::atomic<bool> is_blocked{false};
    bool main_blocks = false;  // released by is_decided
    const auto block = [&] {
      WaitGroup left_behind;
      left_behind.go([&] { door.open(); });
      blocking(Blocking::kLong, [&] {
        is_blocked = true;
        door.pass();
      });
      left_behind.wait();
    };
    const auto lower = [&] {
      while (!is_blocked) std::this_thread::yield();
      set_procs(1);
    };
    WaitGroup other;
    other.go([&] {
      is_other_running = true;
      while (!is_decided) std::this_thread::yield();
      main_blocks ? lower() : block();
    });
    while (!is_other_running) std::this_thread::yield();  // a thread's: it runs on another P
    refuse_threads();
    main_blocks = p_id() == 1;
    is_decided = true;
    main_blocks ? block() : lower();
    other.wait();
  });
}

TEST_CASE("a goroutine that is locked to its thread needs none that is refused") {
  for (const int procs : kProcsUnderTest) {
    check_in_child(procs, [](const Runtime& rt) {
      Door door;
      Chan<int> ch(0);
      WaitGroup locked;
      locked.go([&] {
        lock_os_thread();
        (void)ch.recv();
        door.open();
      });
      wait_until_parked(rt, WaitReason::kChanRecv, 1);
      refuse_threads();
      (void)ch.send(1);
      blocking(Blocking::kLong, [&] { door.pass(); });
      locked.wait();
    });
  }
}

TEST_CASE("threads that are needed again and again stay") {
  at_each_procs([](Runtime& rt) {  // with the default: a minute
    std::set<pid_t> seen;
    run_to_end(rt, [&] {
      std::mutex mutex;
      for (int round = 0; round < 5; ++round) {
        Door door;
        WaitGroup all;
        for (int i = 0; i < 20; ++i) {
          all.go([&] {
            blocking([&] {
              door.pass();
              const std::lock_guard guard(mutex);
              seen.insert(gettid());
            });
          });
        }
        yield_until("all block", [&] { return door.waiting() == 20; });
        door.open();
        all.wait();
        yield_until("threads idle", [&] { return busy_ms() <= rt.procs(); });
      }
    });
    // Each burst begins while nearly all threads idle; five bursts would take a hundred.
    CHECK(static_cast<int>(seen.size()) <= 20 + 3 * rt.procs());
  });
}

TEST_CASE("threads that come and go all the time lose no goroutine") {
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    Runtime rt({.procs = procs, .idle_thread_ms = 1});
    std::atomic<int> passed{0};
    const int rounds = scaled(60, 10);
    run_to_end(rt, [&] {
      for (int round = 0; round < rounds; ++round) {
        burst(20);
        WaitGroup all;
        for (int i = 0; i < 20; ++i) {
          all.go([&, i] {
            if (i % 4 == 0) lock_os_thread();  // and ends locked: its thread goes at once
            blocking([&] { usleep(static_cast<useconds_t>(i) * 50); });
            sleep(std::chrono::microseconds(i * 20));
            ++passed;
          });
        }
        all.wait();
      }
    });
    CHECK(passed == 20 * rounds);
  }
}

TEST_CASE("a run whose goroutines are all parked for good ends while threads do") {
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    for (int i = 0; i < scaled(30, 5); ++i) {
      Runtime rt({.procs = procs, .idle_thread_ms = 1});
      const RunResult result = rt.run([&] {
        burst(15);
        sleep(std::chrono::microseconds(100 * i));  // some threads end before the run, some with it
        Chan<int> never(0);
        (void)never.recv();
      });
      CHECK((result.outcome == RunResult::Outcome::kDeadlocked));
      CHECK(result.stuck.size() == 1);
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::threads_test
