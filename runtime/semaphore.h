// runtime/semaphore.h - Semaphore: so many permits, taken and given back several at a time.
//
// Strictly first come, first served: while somebody waits every newcomer waits behind, even one
// whose smaller request could be met. So a large request cannot starve.
#pragma once

#include <cstdint>

#include "runtime/cancel.h"
#include "runtime/wait_queue.h"

namespace gorun::runtime {

/// How acquire_or_cancelled() ended.
enum class AcquireEnd : std::uint8_t { kAcquired, kCancelled };

/// threads  any goroutine.
/// order    a release() happens-before the return of the acquire() that takes its permits.
/// source   Go, golang.org/x/sync/semaphore.
class Semaphore {
 public:
  /// `permits` are free at first; there will never be more.
  explicit Semaphore(std::int64_t permits);
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// Takes `n` permits, parking until they are free. Asking for more than there are, or for a
  /// negative number, aborts; asking for none waits for its turn and takes none.
  void acquire(std::int64_t n = 1);

  /// The same, but a wait ends when `cancel` is cancelled, by its deadline for one: kCancelled, and
  /// nothing is taken. Nor is it if `cancel` is cancelled already.
  [[nodiscard]] AcquireEnd acquire_or_cancelled(const Cancel& cancel, std::int64_t n = 1);

  /// Takes `n` permits if they are free and nobody waits.
  [[nodiscard]] bool try_acquire(std::int64_t n = 1);

  /// Gives `n` permits back. Giving back more than were taken aborts.
  void release(std::int64_t n = 1);

  /// Permits that are free now: a hint, as it may change before the caller looks.
  [[nodiscard]] std::int64_t available();

 private:
  struct Request : Waiter {
    std::int64_t n = 0;
  };

  void check(std::int64_t n, const char* operation) const;
  bool take_locked(std::int64_t n);
  Waiter* admit_locked();

  const std::int64_t permits_;
  WaitQueue waiters_;
  std::int64_t free_;  // guarded by waiters_.lock
};

}  // namespace gorun::runtime
