// runtime/semaphore.cc - see semaphore.h.

#include "runtime/semaphore.h"

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
  Waiter* woken = nullptr;
  Waiter** last = &woken;
  while (Waiter* first = waiters_.waiters.first()) {
    auto& request = static_cast<Request&>(*first);
    if (request.n > free_) break;
    free_ -= request.n;
    waiters_.waiters.take();
    request.next = nullptr;
    *last = &request;
    last = &request.next;
  }
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
