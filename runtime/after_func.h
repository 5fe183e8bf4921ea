// runtime/after_func.h - after_func: a function that runs later, in a goroutine of its own.
//
//   FuncTimer watchdog = after_func(30s, [&] { report_stall(); });
//   ...
//   watchdog.reset(30s);   // at every sign of life
//   watchdog.stop();
//
// Pending functions do not keep a run alive; only goroutines do.
#pragma once

#include <atomic>
#include <type_traits>
#include <utility>

#include "runtime/rt_lock.h"
#include "runtime/sched/timer_heap.h"
#include "runtime/spawn_site.h"
#include "runtime/timer.h"

namespace gorun::runtime {

class FuncTimer;

/// Runs `f()` in its own goroutine once `delay` has passed. An exception that leaves it is a panic,
/// as with go(). The handle may be dropped.
template <class F>
FuncTimer after_func(Nanos delay, F f, SpawnSite where = SpawnSite::current());

/// A handle on a function to be run later; copies name the same one. Dropping the last handle does
/// not stop it.
///
/// threads  any goroutine; members may run at the same time.
/// source   Go, time.AfterFunc.
class FuncTimer {
 public:
  FuncTimer(const FuncTimer& other) : call_(other.call_) { call_->retain(); }
  FuncTimer& operator=(const FuncTimer& other) {
    FuncTimer copy(other);
    std::swap(call_, copy.call_);
    return *this;
  }
  ~FuncTimer() { call_->release(); }

  /// Prevents the function from being started. returns true if it did; false if the function has
  /// been started (it may run still) or was stopped before.
  bool stop() { return call_->stop(); }

  /// stop(), then has the function run `delay` from now. A function that runs still then runs twice
  /// at the same time. returns what stop() did.
  bool reset(Nanos delay) { return call_->restart(delay); }

 private:
  template <class F>
  friend FuncTimer after_func(Nanos delay, F f, SpawnSite where);

  // Owned by its handles, by the heap while it is pending, and by the goroutines that run it.
  class Call {
   public:
    Call() = default;
    virtual ~Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    void start(Nanos delay, SpawnSite where);
    bool stop();
    bool restart(Nanos delay);
    void retain() { owners_.fetch_add(1, std::memory_order_relaxed); }
    void release() {
      // acq_rel: whoever destroys the function sees what it did.
      if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

   private:
    virtual void run() = 0;
    static void fire(void* self);
    void start_locked(Nanos delay);

    RtLock lock_;       // taken by all but fire(), which has the lock of the heap
    TimerEvent event_;  // started and stopped under lock_
    std::atomic<int> owners_{1};
    SpawnSite where_;
  };

  template <class F>
  struct Body final : Call {
    explicit Body(F function) : f(std::move(function)) {}
    void run() override { f(); }
    F f;
  };

  explicit FuncTimer(Call* call) : call_(call) {}

  Call* call_;
};

template <class F>
FuncTimer after_func(Nanos delay, F f, SpawnSite where) {
  static_assert(std::is_invocable_v<F&>, "the function takes no arguments");
  FuncTimer timer(new FuncTimer::Body<F>(std::move(f)));
  timer.call_->start(delay, where);
  return timer;
}

}  // namespace gorun::runtime
