// runtime/mutex.cc - the contended halves of mutex.h.
//
// The count of waiters goes up under the queue's lock, which the waiter's commit releases: whoever
// lowers the count and then takes the queue's lock finds a waiter there.

#include "runtime/mutex.h"

#include "runtime/fatal.h"
#include "runtime/sched/park.h"
#include "runtime/sched/pause.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

// Go's bound: beyond this a waiter no longer competes with those that run.
constexpr std::int64_t kStarvedNs = 1'000'000;
// Some microseconds, looking ever more rarely: a critical section shorter than two switches is
// worth waiting out, and the core that holds the mutex serves a burst of them before it moves.
constexpr int kFirstPauses = 4;
constexpr int kLastPauses = 64;

}  // namespace

void Mutex::lock_slow() {
  require_goroutine("mutex: lock");
  for (int pauses = kFirstPauses; multi_p && pauses <= kLastPauses; pauses *= 2) {
    if (try_lock()) return;  // free, with waiters
    for (int i = 0; i < pauses; ++i) pause_cpu();
  }
  const RtSection rt;
  Waiter& waiter = own_waiter();
  std::uint32_t woken = 0;  // kWoken while this goroutine is the one that was woken
  for (;;) {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    if ((state & kLocked) == 0) {
      if (state_.compare_exchange_weak(state, (state | kLocked) & ~woken, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        return;
      }
      continue;
    }
    waiters_.lock.lock();
    // Counted only while the mutex is locked: its holder's unlock() will see the count.
    if (!state_.compare_exchange_strong(state, (state + kWaiter) & ~woken,
                                        std::memory_order_relaxed)) {
      waiters_.lock.unlock();
      continue;
    }
    if (waiter.since == 0) waiter.since = clock_ns();
    if (woken != 0) {
      waiters_.waiters.push_front(&waiter);  // passed over, it keeps its place
    } else {
      waiters_.waiters.push(&waiter);
    }
    park(
        WaitReason::kMutex, [](G*, void* queue) { static_cast<WaitQueue*>(queue)->lock.unlock(); },
        &waiters_);
    if (waiter.handed_over) return;
    woken = kWoken;
  }
}

void Mutex::unlock_slow() {
  require_goroutine("mutex: unlock");
  const RtSection rt;
  std::uint32_t state = state_.load(std::memory_order_relaxed);
  while (!needs_wake(state)) {
    if ((state & kLocked) == 0) fatal("mutex: unlock of a free mutex");
    if (state_.compare_exchange_weak(state, state & ~kLocked, std::memory_order_release,
                                     std::memory_order_relaxed)) {
      return;
    }
  }
  waiters_.lock.lock();
  // Only a holder lowers the count, and that is us; others only add to it. Nobody is woken, so
  // nobody can set kWoken either.
  Waiter* first = waiters_.waiters.take();
  const bool hand_over = clock_ns() - first->since > kStarvedNs;
  first->handed_over = hand_over;
  waiters_.lock.unlock();
  G* next = first->g;
  // Release: pairs with the acquire of whoever locks next; ready() publishes a hand-over.
  if (hand_over) {
    state_.fetch_sub(kWaiter, std::memory_order_release);
  } else {
    state_.fetch_sub(kWaiter + kLocked - kWoken, std::memory_order_release);
  }
  ready(next);
}

}  // namespace gorun::runtime
