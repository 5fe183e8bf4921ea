// runtime/cond.h - Cond: waits for a change of state that a lock guards.
//
// Waiters queue in the order in which they came, before they unlock. A notification takes waiters
// off that queue and nothing else, so it wakes only goroutines whose wait() began before it: one
// that waits again for the next change cannot swallow it. There are no spurious wake-ups.
//
// Between queueing and parking the goroutine runs on, to unlock the caller's lock, and may be
// notified already: an atomic word in its waiter settles who was first. After it was notified a
// goroutine does not touch the Cond, which may be gone by then.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/wait_queue.h"

namespace gorun::runtime {

/// threads  wait: with the lock held. notify: with or without it.
/// order    a notification happens-before the return of the wait() that it ends.
/// source   Go, sync.Cond (Wait, Signal, Broadcast).
class Cond {
 public:
  Cond() = default;
  Cond(const Cond&) = delete;
  Cond& operator=(const Cond&) = delete;

  /// Unlocks `lock`, parks until notified, locks it again. `lock` is a Mutex, an RwMutex, or a
  /// std::unique_lock on one; all waiters use the same. The state may have changed again: look.
  template <class Lock>
  void wait(Lock& lock) {
    Queued waiter;
    enqueue(waiter);
    lock.unlock();
    sleep_until_notified(waiter);
    lock.lock();
  }

  /// Waits until `is_true()`, which is called with `lock` held.
  template <class Lock, class Predicate>
  void wait(Lock& lock, Predicate is_true) {
    while (!is_true()) wait(lock);
  }

  /// Wakes the goroutine that waits longest, if any.
  void notify_one();

  /// Wakes all that wait.
  void notify_all();

 private:
  enum Stage : std::uint8_t { kQueued, kParked, kNotified };
  struct Queued : Waiter {
    std::atomic<std::uint8_t> stage{kQueued};  // acq_rel: the notification orders
  };

  void enqueue(Queued& waiter);
  static void sleep_until_notified(Queued& waiter);
  static void wake(Queued& waiter);

  WaitQueue waiters_;
};

}  // namespace gorun::runtime
