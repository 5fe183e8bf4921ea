// runtime/rt_lock.h - the short lock of channels and wait queues.
//
// Held for a few dozen instructions by an M that is in the runtime, and never across a call that
// blocks. Who waits spins briefly, then gives its core away, then sleeps for a moment between
// looks: a lock that is not free by then is held by a thread from which the kernel took its core.
// It is released by a commit, after the switch, when its holder parks.
//
// unlock() is a plain store, its last access to the lock: it need not know whether somebody waits.
//
// Solo (solo.h) it does nothing: only the M that owns the one busy P and is in the runtime may hold
// it, and the ownership handshake (sched/m.h) excludes all others already. unlock() stores all the
// same, for solo may have begun since it was locked.
//
// Not chosen: a futex, whose unlock has to exchange the word to find out whether somebody sleeps.
// Where goroutines on two Ps contend for a channel that made an item dearer (runtime_bench mpmc);
// where nobody does, no difference was seen.
// std::mutex, which may not be unlocked by another thread than the one that locked it.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/solo.h"

namespace gorun::runtime {

class RtLock {
 public:
  RtLock() = default;
  RtLock(const RtLock&) = delete;
  RtLock& operator=(const RtLock&) = delete;

  void lock() {
    if (!try_lock()) lock_slow();
  }
  /// Takes the lock if it is free; never waits, so it may be called against the lock order.
  [[nodiscard]] bool try_lock() {
    if (solo()) return true;
    std::uint32_t free = kFree;
    return state_.compare_exchange_strong(free, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void unlock() { state_.store(kFree, std::memory_order_release); }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;

  void lock_slow();

  std::atomic<std::uint32_t> state_{kFree};  // acquire in lock pairs with release in unlock
};

}  // namespace gorun::runtime
