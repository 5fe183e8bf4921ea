// runtime/sched/futex.h - wait on and wake a 32-bit word: how an M sleeps.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <ctime>

#include <atomic>
#include <climits>
#include <cstdint>
#include <limits>

namespace gorun::runtime {

/// Sleeps while `word` equals `expected`, until woken or until `deadline` (monotonic nanoseconds;
/// the largest value: none). May return early for no reason.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                       std::int64_t deadline = std::numeric_limits<std::int64_t>::max()) {
  timespec until{};
  const timespec* timeout = nullptr;
  if (deadline != std::numeric_limits<std::int64_t>::max()) {
    until.tv_sec = static_cast<time_t>(deadline / 1'000'000'000);
    until.tv_nsec = static_cast<long>(deadline % 1'000'000'000);
    timeout = &until;
  }
  while (word.load(std::memory_order_acquire) == expected) {
    // FUTEX_WAIT_BITSET takes an absolute time of the monotonic clock.
    const long result = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected, timeout,
                                nullptr, FUTEX_BITSET_MATCH_ANY);
    if (result != 0 && timeout != nullptr) return;  // timed out, or interrupted: the caller looks
  }
}

/// Wakes one sleeper, if any.
inline void futex_wake(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace gorun::runtime
