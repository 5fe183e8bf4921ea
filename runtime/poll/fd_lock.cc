// runtime/poll/fd_lock.cc - see fd_lock.h.

#include "runtime/poll/fd_lock.h"

#include "runtime/runtime.h"
#include "runtime/sched/park.h"

namespace gorun::runtime {
namespace {

void unlock_queue(G*, void* queue) { static_cast<WaitQueue*>(queue)->lock.unlock(); }

}  // namespace

bool FdLock::hold() {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if ((word & kClosed) != 0) return false;
  } while (!word_.compare_exchange_weak(word, word + kUser, std::memory_order_acquire,
                                        std::memory_order_relaxed));
  return true;
}

bool FdLock::drop() {
  const std::uint32_t word = word_.fetch_sub(kUser, std::memory_order_acq_rel) - kUser;
  return (word & kClosed) != 0 && word / kUser == 0;
}

bool FdLock::lock_slow(PollMode mode) {
  if ((word_.load(std::memory_order_relaxed) & kClosed) != 0) return false;
  const RtSection rt;
  WaitQueue& queue = queues_[static_cast<int>(mode)];
  queue.lock.lock();
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  for (;;) {
    if ((word & kClosed) != 0) {
      queue.lock.unlock();
      return false;
    }
    const bool free = (word & held(mode)) == 0;
    const std::uint32_t wanted = free ? (word | held(mode)) + kUser : word | waited(mode);
    if (!word_.compare_exchange_weak(word, wanted, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      continue;
    }
    if (!free) break;
    queue.lock.unlock();
    return true;
  }
  Waiter& waiter = own_waiter();
  queue.waiters.push(&waiter);
  park(reason_for(mode), unlock_queue, &queue);
  return waiter.handed_over;
}

bool FdLock::unlock_slow(PollMode mode) {
  {
    const RtSection rt;
    WaitQueue& queue = queues_[static_cast<int>(mode)];
    queue.lock.lock();
    if (Waiter* next = queue.waiters.take()) {
      // The turn passes on, and with it the place in the count.
      next->handed_over = true;
      G* gp = next->g;
      if (queue.waiters.empty()) word_.fetch_and(~waited(mode), std::memory_order_relaxed);
      queue.lock.unlock();
      ready(gp);
      return false;
    }
    queue.lock.unlock();  // evicted meanwhile
  }
  return unlock(mode);
}

bool FdLock::close() {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if ((word & kClosed) != 0) return false;
    // seq_cst: a goroutine about to park looks at kClosed after it has announced itself.
  } while (!word_.compare_exchange_weak(word, (word | kClosed) + kUser, std::memory_order_seq_cst,
                                        std::memory_order_relaxed));
  if (in_goroutine()) {
    evict(PollMode::kRead);
    evict(PollMode::kWrite);
  }
  return true;
}

void FdLock::evict(PollMode mode) {
  const RtSection rt;
  WaitQueue& queue = queues_[static_cast<int>(mode)];
  queue.lock.lock();
  Waiter* evicted = nullptr;
  Waiter** last = &evicted;
  while (Waiter* waiter = queue.waiters.take()) {
    waiter->next = nullptr;
    *last = waiter;
    last = &waiter->next;
  }
  word_.fetch_and(~waited(mode), std::memory_order_relaxed);
  queue.lock.unlock();
  while (evicted != nullptr) {
    Waiter* next = evicted->next;
    ready(evicted->g);
    evicted = next;
  }
}

}  // namespace gorun::runtime
