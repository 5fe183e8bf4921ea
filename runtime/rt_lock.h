// runtime/rt_lock.h - the short lock of channels and wait queues.
//
// Held for a few dozen instructions by an M that is in the runtime: it spins briefly, then sleeps
// on a futex. It is released by a commit, after the switch, when its holder parks.
//
// With a single P it does nothing: only the M that owns the P and is in the runtime may hold it,
// and the ownership handshake (sched/m.h) excludes all others already.
//
// Not chosen: std::mutex, which may not be unlocked by another thread than the one that locked it,
// and costs two calls into libc.
#pragma once

#include <atomic>
#include <cstdint>

namespace gorun::runtime {

extern bool multi_p;  // there may be more than one P; fixed while a Runtime runs

class RtLock {
 public:
  RtLock() = default;
  RtLock(const RtLock&) = delete;
  RtLock& operator=(const RtLock&) = delete;

  void lock() {
    if (!multi_p) return;
    std::uint32_t free = kFree;
    if (!state_.compare_exchange_strong(free, kHeld, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      lock_slow();
    }
  }
  /// Takes the lock if it is free; never waits, so it may be called against the lock order.
  [[nodiscard]] bool try_lock() {
    if (!multi_p) return true;
    std::uint32_t free = kFree;
    return state_.compare_exchange_strong(free, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void unlock() {
    if (!multi_p) return;
    if (state_.exchange(kFree, std::memory_order_release) == kContended) wake_one();
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kContended = 2;  // held, and somebody may sleep

  void lock_slow();
  void wake_one();

  std::atomic<std::uint32_t> state_{kFree};  // acquire in lock pairs with release in unlock
};

}  // namespace gorun::runtime
