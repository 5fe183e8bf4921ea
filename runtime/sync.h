// runtime/sync.h - locks and barriers that park the goroutine and leave its M free to run others.
//
// All wait queues are first come, first served. Everything here may be held or waited for across a
// move of the goroutine to another M; a std::mutex may not.
#pragma once

#include <atomic>
#include <cstdint>
#include <source_location>
#include <utility>

#include "runtime/runtime.h"
#include "runtime/wait_queue.h"

namespace gorun::runtime {

/// A mutual-exclusion lock for goroutines; std::lock_guard and std::unique_lock accept it.
///
/// Not recursive; unlock() of a free mutex aborts. Any goroutine may unlock it.
/// order   an unlock() happens-before the return of the lock() that follows it.
/// source  Go, sync.Mutex: barging while uncontended, and hand-over to a waiter starved for 1 ms.
class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() {
    std::uint32_t free = 0;
    if (!state_.compare_exchange_strong(free, kLocked, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      lock_slow();
    }
  }
  [[nodiscard]] bool try_lock() {
    std::uint32_t free = 0;
    return state_.compare_exchange_strong(free, kLocked, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void unlock() {
    std::uint32_t held = kLocked;
    if (!state_.compare_exchange_strong(held, 0, std::memory_order_release,
                                        std::memory_order_relaxed)) {
      unlock_slow();
    }
  }

 private:
  static constexpr std::uint32_t kLocked = 1;   // somebody holds the mutex
  static constexpr std::uint32_t kWaiters = 2;  // the queue is not empty: unlock must look

  void lock_slow();
  void unlock_slow();

  std::atomic<std::uint32_t> state_{0};  // acquire in lock pairs with release in unlock
  WaitQueue waiters_;
};

/// Waits for a set of goroutines to finish.
///
/// add() must happen before the wait() that it is to hold back; done() below zero aborts. Once wait()
/// has returned the group may be used again.
/// order   a done() happens-before the return of any wait() that it releases.
class WaitGroup {
 public:
  WaitGroup() = default;
  WaitGroup(const WaitGroup&) = delete;
  WaitGroup& operator=(const WaitGroup&) = delete;

  void add(int n);
  void done() { add(-1); }
  void wait();

  /// add(1), then a goroutine that runs `f` and calls done().
  template <class F>
  void go(F f, std::source_location where = std::source_location::current()) {
    add(1);
    runtime::go(
        [this, body = std::move(f)]() mutable {
          body();
          done();
        },
        where);
  }

 private:
  static constexpr std::int64_t kOne = std::int64_t{1} << 32;  // one unfinished; below: waiters

  std::atomic<std::int64_t> state_{0};  // the acq_rel step to zero pairs with wait()'s acquire
  WaitQueue waiters_;
};

}  // namespace gorun::runtime
