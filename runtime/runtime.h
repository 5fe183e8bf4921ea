// runtime/runtime.h - the scheduler as its users see it: start it, spawn goroutines, ask about
// them.
//
//   Runtime rt({.procs = 4});
//   rt.run([] {
//     WaitGroup all;
//     for (int i = 0; i < 10; ++i) all.go([i] { work(i); });
//     all.wait();
//   });
//
// One Runtime may be running in a process at a time; another may follow it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/run_result.h"
#include "runtime/spawn.h"
#include "runtime/spawn_site.h"
#include "runtime/stack_class.h"
#include "runtime/wait_reason.h"

namespace gorun::runtime {

struct Sched;

struct Options {
  /// The number of Ps. 0: GORUN_PROCS from the environment, else num_cpu() of the thread that calls
  /// run(), which the run then follows. One that starts with a single processor stays with one P:
  /// it leaves out what more would need.
  int procs = 0;

  /// How often that is read again, while goroutines run.
  int procs_period_ms = 1'000;

  /// Not 0: scheduling jitter for tests. Goroutines yield at random entries into the runtime, and
  /// one that is made ready runs next or last at random. 0: GORUN_JITTER from the environment, else
  /// none.
  std::uint64_t jitter = 0;

  /// Not 0: one P, one M, virtual time, and jitter drawn from this seed: the same seed gives the
  /// same schedule, and a sleep costs nothing. Blocking calls keep the P; fds are not polled.
  std::uint64_t deterministic = 0;

  /// Milliseconds between two lines on the scheduler's state on standard error (sched_trace.h); 0:
  /// GORUN_SCHEDTRACE from the environment, else none. Not in a deterministic run.
  int sched_trace_ms = 0;

  /// How long a thread stays that has nothing to do, beyond one for each P and a few. A burst of
  /// blocking calls leaves many of them.
  int idle_thread_ms = 60'000;

  /// The stack of each goroutine that does not ask for another, main included.
  StackClass stack = StackClass::kMedium;
};

/// Totals since the start of the run; each is monotonic. What they tell: README.md, "Debugging".
struct Counters {
  std::uint64_t spawned = 0;   // goroutines started
  std::uint64_t steals = 0;    // successful looks into another P's queues, however much they took
  std::uint64_t handoffs = 0;  // Ps passed on for a goroutine that blocks or computes for long
  std::uint64_t retakes = 0;   // those of them that sysmon took; the others were given
  std::uint64_t parks = 0;     // goroutines that went to wait
  std::uint64_t wakes = 0;     // goroutines that were made ready again
};

/// The scheduler: its Ps, Ms and Gs.
class Runtime {
 public:
  explicit Runtime(Options options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Runs `main` as the first goroutine; returns when it and every goroutine has ended, or when
  /// those that are left can never run again (then their stacks are dropped without unwinding).
  /// threads  the thread that made the Runtime, outside any goroutine; one run per Runtime.
  /// `where` is the spawn site of the main goroutine in reports.
  RunResult run(std::function<void()> main, SpawnSite where = SpawnSite::current());

  [[nodiscard]] int procs() const;

  /// Goroutines that are parked now, with `reason` or for any. A snapshot; from any thread.
  [[nodiscard]] std::size_t parked() const;
  [[nodiscard]] std::size_t parked(WaitReason reason) const;

  /// Goroutines that wait on a channel whose other end nobody holds any more (chan_ends.h), while
  /// the run goes on: in a plain send or receive, for what waits in a select may have another case.
  /// They never run again. From any thread.
  [[nodiscard]] std::vector<GoroutineInfo> leaked() const;

  /// A snapshot, exact only while no goroutine runs.
  [[nodiscard]] Counters counters() const;

 private:
  std::unique_ptr<Sched> sched_;
};

/// Starts a goroutine that runs `f()`. Returns at once; `f` runs later, on any M.
///
/// An exception that leaves `f` is a panic: it prints the goroutine and aborts the process.
/// threads  only from a goroutine.
/// order    what precedes go() happens-before the start of `f`.
template <class F>
void go(F&& f, SpawnSite where = SpawnSite::current()) {
  detail::spawn(StackClass::kDefault, std::forward<F>(f), where);
}
/// The same on a stack of its own size.
template <class F>
void go(StackClass stack, F&& f, SpawnSite where = SpawnSite::current()) {
  detail::spawn(stack, std::forward<F>(f), where);
}

/// Lets other goroutines run; the caller stays runnable.
void yield();

/// True on the stack of a goroutine.
[[nodiscard]] bool in_goroutine();

/// Names the calling goroutine in reports. `label` is copied.
void set_label(std::string label);

/// The number of Ps of the running Runtime.
[[nodiscard]] int procs();

/// Lets `count` Ps run goroutines from now on, whatever the number of processors; at most 1,024, at
/// least 1, and no more than 1 in a run that started with one. returns the number that holds.
///
/// Returns at once: a goroutine on a P that is too many goes on until its next runtime call, and is
/// then run by another.
/// threads  any, during a run.
/// source   Go, runtime.GOMAXPROCS.
int set_procs(int count);

}  // namespace gorun::runtime
