// runtime/wait_group.cc - the waking and parking halves of WaitGroup.

#include "runtime/wait_group.h"

#include "runtime/fatal.h"
#include "runtime/sched/park.h"

namespace gorun::runtime {

// The count and the number of waiters share a word: a done() that finds no waiter must not touch
// the group again, for a wait() that saw the count at zero may have freed it.
void WaitGroup::add(int n) {
  require_goroutine("wait group: add");
  // Release: what the goroutine did is seen by those that wait() lets go. Acquire: the last one
  // passes on what all the others did.
  const std::int64_t state =
      state_.fetch_add(static_cast<std::int64_t>(n) * kOne, std::memory_order_acq_rel) + n * kOne;
  if (state < 0) fatal("wait group: done() more often than add()");
  if (state >= kOne || state == 0) return;
  // Zero, with waiters: they are parked, or about to be, under the queue's lock.
  const RtSection rt;
  waiters_.lock.lock();
  // Release: a wait() that finds it so does not meet the step to zero itself.
  state_.store(0, std::memory_order_release);
  std::uint32_t count = 0;
  Waiter* woken = waiters_.waiters.take_all(count);
  waiters_.lock.unlock();
  ready_all(woken);
}

void WaitGroup::wait() {
  require_goroutine("wait group: wait");
  if (state_.load(std::memory_order_acquire) < kOne) return;
  const RtSection rt;
  waiters_.lock.lock();
  std::int64_t state = state_.load(std::memory_order_acquire);
  do {
    if (state < kOne) {
      waiters_.lock.unlock();
      return;
    }
  } while (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire));
  Waiter& waiter = own_waiter();
  waiters_.waiters.push(&waiter);
  park(WaitReason::kWaitGroup, WaitQueue::unlock_in_commit, &waiters_);
}

}  // namespace gorun::runtime
