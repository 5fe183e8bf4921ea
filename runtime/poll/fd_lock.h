// runtime/poll/fd_lock.h - who uses a descriptor, and when it may be closed.
//
// One goroutine at a time reads, one writes; others of the same direction queue, first come, first
// served. Every operation is counted, and the last one out of a closed descriptor is told so: only
// then may close(2) run, or the number could be given to another file under a goroutine that is
// between its look at the handle and its system call.
//
// All of it is one word, so that an operation costs two atomic instructions. The waiter bit of a
// direction is set exactly while its queue is not empty, and changes under the queue's lock.
// Prior art: Go, src/internal/poll/fd_mutex.go.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/poll/poll_mode.h"
#include "runtime/wait_queue.h"

namespace gorun::runtime {

class FdLock {
 public:
  /// Counts an operation in that needs no turn. returns false: closed.
  [[nodiscard]] bool hold();
  /// Counts it out. returns true: closed, and this was the last; the caller finishes the closing.
  [[nodiscard]] bool drop();

  /// Takes the turn of `mode`, parking while another goroutine has it. returns false: closed.
  [[nodiscard]] bool lock(PollMode mode) {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    do {
      if ((word & (kClosed | held(mode))) != 0) return lock_slow(mode);
    } while (!word_.compare_exchange_weak(word, (word | held(mode)) + kUser,
                                          std::memory_order_acquire, std::memory_order_relaxed));
    return true;
  }
  /// Gives it up. returns as drop().
  [[nodiscard]] bool unlock(PollMode mode) {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    std::uint32_t left = 0;
    do {
      if ((word & waited(mode)) != 0) return unlock_slow(mode);
      left = (word & ~held(mode)) - kUser;
    } while (!word_.compare_exchange_weak(word, left, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    return (left & kClosed) != 0 && left / kUser == 0;
  }

  /// Refuses all operations to come, wakes those that queue, and counts the caller in, who ends
  /// with drop(). returns false: closed before, and the caller is not counted. threads  a
  /// goroutine; or any, while no goroutine uses the descriptor.
  [[nodiscard]] bool close();

  [[nodiscard]] bool is_closed() const {
    return (word_.load(std::memory_order_seq_cst) & kClosed) != 0;
  }
  /// Operations counted in. A snapshot.
  [[nodiscard]] std::uint32_t users() const {
    return word_.load(std::memory_order_acquire) / kUser;
  }

  /// As new, for the next descriptor. Nobody uses it.
  void reset() { word_.store(0, std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kClosed = 1;
  static constexpr std::uint32_t kUser = 32;  // the count of operations starts at this bit
  static constexpr std::uint32_t held(PollMode mode) { return 2u << static_cast<int>(mode); }
  static constexpr std::uint32_t waited(PollMode mode) { return 8u << static_cast<int>(mode); }

  bool lock_slow(PollMode mode);
  bool unlock_slow(PollMode mode);
  void evict(PollMode mode);

  // Acquire in lock() pairs with release in unlock(); seq_cst where closing meets a wait.
  std::atomic<std::uint32_t> word_{0};
  WaitQueue queues_[2];
};

}  // namespace gorun::runtime
