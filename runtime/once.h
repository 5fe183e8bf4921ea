// runtime/once.h - Once: the first caller does it, the others wait until it is done.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>

#include "runtime/mutex.h"

namespace gorun::runtime {

/// Runs one function once, however many goroutines ask.
///
/// As with std::call_once, and unlike Go's sync.Once, a function that throws has not done it: its
/// caller gets the exception, and the next caller tries again. (In Go a panic normally ends the
/// process; here an exception is an ordinary failure, say of an open(), and waiters must not take
/// what was never made for made.) A function that calls its own Once deadlocks.
/// order   the return of the function happens-before the return of any call().
class Once {
 public:
  Once() = default;
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;

  /// Runs `f()` unless a function has already run here; returns when one has.
  template <class F>
  void call(F&& f) {
    if (done_.load(std::memory_order_acquire)) return;
    const std::lock_guard guard(mutex_);
    if (done_.load(std::memory_order_relaxed)) return;
    std::forward<F>(f)();
    done_.store(true, std::memory_order_release);
  }

  [[nodiscard]] bool is_done() const { return done_.load(std::memory_order_acquire); }

 private:
  Mutex mutex_;
  std::atomic<bool> done_{false};  // written under mutex_; release pairs with the acquire loads
};

}  // namespace gorun::runtime
