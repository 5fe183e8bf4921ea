// runtime/sync.cc - the parking halves of the primitives in sync.h.

#include "runtime/sync.h"

#include "runtime/fatal.h"
#include "runtime/sched/park.h"
#include "runtime/sched/pause.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

// A waiter that was passed over for this long is handed the mutex at the next unlock: Go's bound.
constexpr std::int64_t kStarvedNs = 1'000'000;
constexpr int kMutexSpins = 30;

void unlock_queue(G*, void* queue) { static_cast<WaitQueue*>(queue)->lock.unlock(); }

}  // namespace

// kWaiters is set exactly while waiters_ is not empty, and changes under the queue's lock only, by a
// goroutine that holds the mutex or has just found it held. State kWaiters alone (free, yet waited
// for) means that a woken waiter is on its way to take the mutex.
//
// Once kLocked is cleared nothing of the mutex may be touched: the next holder may free it.
void Mutex::lock_slow() {
  require_goroutine("mutex: lock");
  for (int i = 0; multi_p && i < kMutexSpins; ++i) {
    if (state_.load(std::memory_order_relaxed) == 0 && try_lock()) return;
    pause_cpu();
  }
  const RtSection rt;
  Waiter waiter;
  for (bool woken = false;; woken = true) {
    waiters_.lock.lock();
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    bool locked = false;
    for (;;) {
      const std::uint32_t wanted = (state & kLocked) != 0 ? state | kWaiters : state | kLocked;
      if (state_.compare_exchange_weak(state, wanted, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        locked = (state & kLocked) == 0;
        break;
      }
    }
    if (locked) {
      waiters_.lock.unlock();
      return;
    }
    if (waiter.since == 0) waiter.since = monotonic_ns();
    waiter.g = current_m()->g;
    // One that was woken and found the mutex taken again keeps its place.
    if (woken) {
      waiters_.waiters.push_front(&waiter);
    } else {
      waiters_.waiters.push(&waiter);
    }
    park(WaitReason::kMutex, unlock_queue, &waiters_);
    if (waiter.handed_over) return;
  }
}

void Mutex::unlock_slow() {
  require_goroutine("mutex: unlock");
  const RtSection rt;
  waiters_.lock.lock();
  if ((state_.load(std::memory_order_relaxed) & kLocked) == 0) {
    fatal("mutex: unlock of a free mutex");
  }
  Waiter* first = waiters_.waiters.take();
  G* next = first->g;
  const bool hand_over = monotonic_ns() - first->since > kStarvedNs;
  first->handed_over = hand_over;
  if (waiters_.waiters.empty()) state_.fetch_and(~kWaiters, std::memory_order_relaxed);
  waiters_.lock.unlock();
  // Release: pairs with the acquire of whoever locks next. A hand-over leaves kLocked set, and
  // ready() publishes what this holder did.
  if (!hand_over) state_.fetch_and(~kLocked, std::memory_order_release);
  ready(next);
}

// The count and the number of waiters share a word: a done() that finds no waiter must not touch the
// group again, for a wait() that saw the count at zero may have freed it.
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
  state_.store(0, std::memory_order_relaxed);
  Waiter* woken = nullptr;
  Waiter** last = &woken;
  while (Waiter* waiter = waiters_.waiters.take()) {
    waiter->next = nullptr;
    *last = waiter;
    last = &waiter->next;
  }
  waiters_.lock.unlock();
  while (woken != nullptr) {
    Waiter* next = woken->next;
    ready(woken->g);
    woken = next;
  }
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
  Waiter waiter;
  waiter.g = current_m()->g;
  waiters_.waiters.push(&waiter);
  park(WaitReason::kWaitGroup, unlock_queue, &waiters_);
}

}  // namespace gorun::runtime
