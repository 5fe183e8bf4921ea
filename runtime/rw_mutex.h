// runtime/rw_mutex.h - RwMutex: many readers or one writer; a waiting writer holds new readers
// back.
//
// The state word counts the readers (in steps of kReader), says whether a writer holds the lock,
// and whether somebody waits. Uncontended locking and unlocking is one compare-and-swap.
//
// Invariants, under waiters_.lock:
//   I1  kWaiting is set exactly while somebody is queued; whoever then comes queues as well.
//   I2  While no writer holds the lock, readers wait only behind a waiting writer.
// The lock changes hands directly: whoever releases it for a waiter stores the state of the new
// holder and then wakes it, so nobody else can slip in between.
// A writer that unlocks lets in all readers that wait; the last reader that unlocks lets in the
// oldest writer. So neither side starves: readers and writers take turns.
//
// Not chosen: Go's pair of counters, in which a reader pays an unconditional fetch_add that a
// waiting writer then has to compensate; with one word a reader that must wait leaves no trace to
// undo.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/wait_queue.h"

namespace gorun::runtime {

/// A readers-writer lock for goroutines; std::shared_lock and std::unique_lock accept it.
///
/// Not recursive: a goroutine that holds it for reading and asks again deadlocks with a writer that
/// came in between. Unlocking what is not locked aborts. Any goroutine may unlock it.
/// order   an unlock() happens-before the return of any later lock or lock_shared(); an
///         unlock_shared() happens-before the return of any later lock().
/// source  Go, sync.RWMutex.
class RwMutex {
 public:
  RwMutex() = default;
  RwMutex(const RwMutex&) = delete;
  RwMutex& operator=(const RwMutex&) = delete;

  void lock() {
    if (!try_lock()) lock_slow();
  }
  [[nodiscard]] bool try_lock() {
    std::uint32_t free = 0;
    return state_.compare_exchange_strong(free, kWriter, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void unlock() {
    std::uint32_t held = kWriter;
    if (!state_.compare_exchange_strong(held, 0, std::memory_order_release,
                                        std::memory_order_relaxed)) {
      unlock_slow();
    }
  }

  void lock_shared() {
    if (!try_lock_shared()) lock_shared_slow();
  }
  [[nodiscard]] bool try_lock_shared() {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    while ((state & (kWriter | kWaiting)) == 0) {
      if (state_.compare_exchange_weak(state, state + kReader, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void unlock_shared() {
    const std::uint32_t before = state_.fetch_sub(kReader, std::memory_order_acq_rel);
    // Nothing else of the lock may be touched unless somebody waits, and so keeps it alive.
    if (before < 2 * kReader && before != kReader) last_reader_left(before);
  }

 private:
  static constexpr std::uint32_t kWriter = 1;
  static constexpr std::uint32_t kWaiting = 2;
  static constexpr std::uint32_t kReader = 4;

  void lock_slow();
  void unlock_slow();
  void lock_shared_slow();
  void last_reader_left(std::uint32_t before);

  std::atomic<std::uint32_t> state_{0};  // acquire in locking pairs with release in unlocking
  WaitQueue waiters_;                    // writers, oldest first
  WaiterList readers_;                   // guarded by waiters_.lock
};

}  // namespace gorun::runtime
