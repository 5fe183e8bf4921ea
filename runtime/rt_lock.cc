// runtime/rt_lock.cc - the contended half of rt_lock.h: spin, then a three-state futex.
//
// Prior art: Drepper, "Futexes are tricky", mutex 2.

#include "runtime/rt_lock.h"

#include "runtime/sched/futex.h"
#include "runtime/sched/pause.h"

namespace gorun::runtime {
namespace {
// A critical section lasts some 20 ns, moving the lock and what it guards to another core ten times
// that. So who waits looks ever more rarely, and the core that holds the lock serves a burst of
// operations before it moves. Together some 10 us, more than a holder needs unless the kernel took
// its core away.
constexpr int kFirstPauses = 4;
constexpr int kLastPauses = 256;
}  // namespace

void RtLock::lock_slow() {
  for (int pauses = kFirstPauses; pauses <= kLastPauses; pauses *= 2) {
    for (int i = 0; i < pauses; ++i) pause_cpu();
    std::uint32_t free = kFree;
    if (state_.load(std::memory_order_relaxed) == kFree &&
        state_.compare_exchange_weak(free, kHeld, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      return;
    }
  }
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
    futex_wait(state_, kContended);
  }
}

void RtLock::wake_one() { futex_wake(state_); }

}  // namespace gorun::runtime
