// runtime/rw_mutex.cc - the waiting halves of RwMutex.

#include "runtime/rw_mutex.h"

#include "runtime/fatal.h"
#include "runtime/sched/park.h"

namespace gorun::runtime {

void RwMutex::lock_slow() {
  require_goroutine("rw mutex: lock");
  const RtSection rt;
  waiters_.lock.lock();
  std::uint32_t state = state_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint32_t wanted = state == 0 ? kWriter : state | kWaiting;
    if (!state_.compare_exchange_weak(state, wanted, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
      continue;
    }
    if (state != 0) break;
    waiters_.lock.unlock();
    return;
  }
  Waiter& waiter = own_waiter();
  waiters_.waiters.push(&waiter);
  park(WaitReason::kRwMutexWrite, WaitQueue::unlock_in_commit, &waiters_);
}

void RwMutex::lock_shared_slow() {
  require_goroutine("rw mutex: lock_shared");
  const RtSection rt;
  waiters_.lock.lock();
  std::uint32_t state = state_.load(std::memory_order_relaxed);
  for (;;) {
    const bool barred = (state & (kWriter | kWaiting)) != 0;
    const std::uint32_t wanted = barred ? state | kWaiting : state + kReader;
    if (!state_.compare_exchange_weak(state, wanted, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
      continue;
    }
    if (barred) break;
    waiters_.lock.unlock();
    return;
  }
  Waiter& waiter = own_waiter();
  readers_.push(&waiter);
  park(WaitReason::kRwMutexRead, WaitQueue::unlock_in_commit, &waiters_);
}

// While kWaiting is set every newcomer goes through the queue's lock, which we hold: the state is
// ours to store.
void RwMutex::unlock_slow() {
  require_goroutine("rw mutex: unlock");
  const RtSection rt;
  waiters_.lock.lock();
  if ((state_.load(std::memory_order_relaxed) & kWriter) == 0) {
    fatal("rw mutex: unlock of a mutex that is not locked");
  }
  WaiterList& turn = readers_.empty() ? waiters_.waiters : readers_;
  Waiter* woken = nullptr;
  std::uint32_t held = kWriter;
  if (&turn == &readers_) {
    std::uint32_t readers = 0;
    woken = readers_.take_all(readers);
    held = readers * kReader;
  } else {
    woken = waiters_.waiters.take();
    woken->next = nullptr;
  }
  if (!readers_.empty() || !waiters_.waiters.empty()) held |= kWaiting;
  state_.store(held, std::memory_order_release);
  waiters_.lock.unlock();
  ready_all(woken);
}

void RwMutex::last_reader_left(std::uint32_t before) {
  require_goroutine("rw mutex: unlock_shared");
  if (before != kReader + kWaiting) {
    fatal("rw mutex: unlock_shared of a mutex that is not locked for reading");
  }
  const RtSection rt;
  waiters_.lock.lock();
  Waiter* writer = waiters_.waiters.take();
  G* next = writer->g;
  const bool more = !readers_.empty() || !waiters_.waiters.empty();
  state_.store(more ? kWriter | kWaiting : kWriter, std::memory_order_release);
  waiters_.lock.unlock();
  ready(next);
}

}  // namespace gorun::runtime
