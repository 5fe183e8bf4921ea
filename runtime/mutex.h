// runtime/mutex.h - Mutex: mutual exclusion for goroutines.
//
// One word: locked, woken (a waiter is on its way and needs no other wake-up), and the number of
// waiters. A running goroutine may take a free mutex before one that was woken for it: that keeps
// the mutex on one core while it is hot. A waiter passed over for kStarvedNs is handed the mutex
// locked.
//
// The mutex may be freed as soon as unlock() has returned everywhere and nobody waits: unlock()
// clears `locked` either as its last access or after it has reserved a parked waiter, whose lock()
// call keeps the mutex alive.
//
// With a single P the word is read and written without locked instructions, in the runtime, where
// nobody else is then (see rt_lock.h).
//
// Prior art: Go, sync.Mutex (normal and starvation mode).
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/sched/park.h"
#include "runtime/wait_queue.h"

namespace gorun::runtime {

/// A mutual-exclusion lock for goroutines; std::lock_guard and std::unique_lock accept it.
///
/// Not recursive; unlock() of a free mutex aborts. Any goroutine may unlock it. While a Runtime
/// runs only its goroutines may use it. order   an unlock() happens-before the return of the lock()
/// that follows it.
class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() {
    if (!try_lock()) lock_slow();
  }

  /// Takes the mutex if it is free; never parks.
  [[nodiscard]] bool try_lock() {
    if (is_alone()) {
      const RtSection rt;
      const std::uint32_t state = state_.load(std::memory_order_relaxed);
      if ((state & kLocked) != 0) return false;
      state_.store(state | kLocked, std::memory_order_relaxed);
      return true;
    }
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    return (state & kLocked) == 0 &&
           state_.compare_exchange_strong(state, state | kLocked, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }

  void unlock() {
    if (is_alone()) {
      const RtSection rt;
      const std::uint32_t state = state_.load(std::memory_order_relaxed);
      if (is_plain(state)) {
        state_.store(state & ~kLocked, std::memory_order_relaxed);
        return;
      }
    } else {
      std::uint32_t state = state_.load(std::memory_order_relaxed);
      if (is_plain(state) &&
          state_.compare_exchange_strong(state, state & ~kLocked, std::memory_order_release,
                                         std::memory_order_relaxed)) {
        return;
      }
    }
    unlock_slow();
  }

 private:
  static constexpr std::uint32_t kLocked = 1;
  static constexpr std::uint32_t kWoken = 2;   // a waiter was woken and has not looked yet
  static constexpr std::uint32_t kWaiter = 4;  // one waiter; the count is the rest of the word

  static bool is_alone() { return !multi_p && current_m() != nullptr; }
  static bool needs_wake(std::uint32_t state) { return state >= kWaiter && (state & kWoken) == 0; }
  // Unlocking is all that unlock() has to do.
  static bool is_plain(std::uint32_t state) { return (state & kLocked) != 0 && !needs_wake(state); }

  void lock_slow();
  void unlock_slow();

  std::atomic<std::uint32_t> state_{0};  // acquire in lock pairs with release in unlock
  WaitQueue waiters_;                    // as many as state_ counts, once their commits have run
};

}  // namespace gorun::runtime
