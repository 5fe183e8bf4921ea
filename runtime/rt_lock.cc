// runtime/rt_lock.cc - the contended half of rt_lock.h.

#include "runtime/rt_lock.h"

#include <sched.h>

#include <algorithm>
#include <ctime>

#include "runtime/sched/pause.h"

namespace gorun::runtime {
namespace {
// A critical section lasts some 20 ns, moving the lock and what it guards to another core ten times
// that. So who waits looks ever more rarely, and the core that holds the lock serves a burst of
// operations before it moves. Together some 10 us, more than a holder needs unless the kernel took
// its core away.
constexpr int kFirstPauses = 4;
constexpr int kLastPauses = 256;
// Then the holder may be waiting for this very core.
constexpr int kYields = 8;
constexpr long kFirstSleepNs = 50'000;
constexpr long kLastSleepNs = 500'000;
}  // namespace

void RtLock::lock_slow() {
  const auto take = [this] {
    return state_.load(std::memory_order_relaxed) == kFree && try_lock();
  };
  for (int pauses = kFirstPauses; pauses <= kLastPauses; pauses *= 2) {
    for (int i = 0; i < pauses; ++i) pause_cpu();
    if (take()) return;
  }
  for (int i = 0; i < kYields; ++i) {
    sched_yield();
    if (take()) return;
  }
  for (timespec length{0, kFirstSleepNs}; !take();) {
    nanosleep(&length, nullptr);
    length.tv_nsec = std::min(2 * length.tv_nsec, kLastSleepNs);
  }
}

}  // namespace gorun::runtime
