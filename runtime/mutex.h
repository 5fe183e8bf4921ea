// runtime/mutex.h - Mutex: a lock that parks the goroutine and leaves its M free to run others.
#pragma once

#include <atomic>
#include <cstdint>

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

}  // namespace gorun::runtime
