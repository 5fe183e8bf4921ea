// runtime/semaphore.cc - see semaphore.h.

#include "runtime/semaphore.h"

#include "runtime/done_waiter.h"
#include "runtime/fatal.h"
#include "runtime/sched/park.h"

namespace gorun::runtime {

Semaphore::Semaphore(std::int64_t permits) : permits_(permits), free_(permits) {
  if (permits < 0) fatal("semaphore: a negative number of permits");
}

void Semaphore::check(std::int64_t n, const char* operation) const {
  if (n < 0 || n > permits_) {
    fatal("semaphore: %s of %lld of %lld permits", operation, static_cast<long long>(n),
          static_cast<long long>(permits_));
  }
}

bool Semaphore::take_locked(std::int64_t n) {
  if (free_ < n || !waiters_.waiters.empty()) return false;
  free_ -= n;
  return true;
}

// The first of those that wait, as far as there are permits for them; to be made ready.
Waiter* Semaphore::admit_locked() {
  Waiter* admitted = nullptr;
  Waiter** last = &admitted;
  while (Waiter* first = waiters_.waiters.first()) {
    auto& request = static_cast<Request&>(*first);
    if (request.n > free_) break;
    waiters_.waiters.remove(&request);
    if (request.select != nullptr && !request.select->claim()) continue;  // cancelled meanwhile
    request.fired = true;
    free_ -= request.n;
    request.next = nullptr;
    *last = &request;
    last = &request.next;
  }
  return admitted;
}

void Semaphore::acquire(std::int64_t n) {
  require_goroutine("semaphore: acquire");
  check(n, "acquire");
  const RtSection rt;
  waiters_.lock.lock();
  if (take_locked(n)) {
    waiters_.lock.unlock();
    return;
  }
  Request request;
  request.g = current_m()->g;
  request.n = n;
  waiters_.waiters.push(&request);
  park(WaitReason::kSemaphore, WaitQueue::unlock_in_commit, &waiters_);
}

AcquireEnd Semaphore::acquire_or_cancelled(const Cancel& cancel, std::int64_t n) {
  require_goroutine("semaphore: acquire");
  check(n, "acquire");
  if (cancel.is_cancelled()) return AcquireEnd::kCancelled;
  const RtSection rt;
  waiters_.lock.lock();
  if (take_locked(n)) {
    waiters_.lock.unlock();
    return AcquireEnd::kAcquired;
  }
  SelectClaim claim;
  DoneWaiter done(cancel, claim);
  Request request;
  request.g = current_m()->g;
  request.n = n;
  request.select = &claim;
  if (!done.enlist_locked(request.g)) {
    waiters_.lock.unlock();
    return AcquireEnd::kCancelled;
  }
  waiters_.waiters.push(&request);
  struct Locks {
    WaitQueue* queue;
    DoneWaiter* done;
  } locked{&waiters_, &done};
  const auto unlock_both = [](G*, void* locks) {
    // Cancelled now, the goroutine needs the queue's lock before it can leave its frame.
    WaitQueue* const queue = static_cast<Locks*>(locks)->queue;
    static_cast<Locks*>(locks)->done->unlock();
    queue->lock.unlock();
  };
  park(WaitReason::kSemaphore, unlock_both, &locked);
  done.withdraw();
  if (request.fired) return AcquireEnd::kAcquired;  // and the semaphore may be gone
  waiters_.lock.lock();
  waiters_.waiters.remove(&request);
  Waiter* const woken = admit_locked();  // a smaller request may have waited behind this one
  waiters_.lock.unlock();
  ready_all(woken);
  return AcquireEnd::kCancelled;
}

bool Semaphore::try_acquire(std::int64_t n) {
  require_goroutine("semaphore: try_acquire");
  check(n, "try_acquire");
  const RtSection rt;
  waiters_.lock.lock();
  const bool taken = take_locked(n);
  waiters_.lock.unlock();
  return taken;
}

void Semaphore::release(std::int64_t n) {
  require_goroutine("semaphore: release");
  check(n, "release");
  const RtSection rt;
  waiters_.lock.lock();
  if (free_ > permits_ - n) fatal("semaphore: release of more permits than were taken");
  free_ += n;
  Waiter* const woken = admit_locked();
  waiters_.lock.unlock();
  ready_all(woken);
}

std::int64_t Semaphore::available() {
  require_goroutine("semaphore: available");
  const RtSection rt;
  waiters_.lock.lock();
  const std::int64_t free = free_;
  waiters_.lock.unlock();
  return free;
}

}  // namespace gorun::runtime
