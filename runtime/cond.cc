// runtime/cond.cc - see cond.h.

#include "runtime/cond.h"

#include "runtime/sched/park.h"

namespace gorun::runtime {

void Cond::enqueue(Queued& waiter) {
  require_goroutine("cond: wait");
  const RtSection rt;
  waiter.g = current_m()->g;
  waiters_.lock.lock();
  waiters_.waiters.push(&waiter);
  waiters_.lock.unlock();
}

void Cond::sleep_until_notified(Queued& waiter) {
  if (waiter.stage.load(std::memory_order_acquire) == kNotified) return;
  const RtSection rt;
  park(
      WaitReason::kCond,
      [](G* gp, void* arg) {
        std::uint8_t queued = kQueued;
        auto& stage = static_cast<Queued*>(arg)->stage;
        if (!stage.compare_exchange_strong(queued, kParked, std::memory_order_acq_rel)) ready(gp);
      },
      &waiter);
}

void Cond::wake(Queued& waiter) {
  G* gp = waiter.g;  // read first: a goroutine that has not parked yet goes on at once
  if (waiter.stage.exchange(kNotified, std::memory_order_acq_rel) == kParked) ready(gp);
}

void Cond::notify_one() {
  require_goroutine("cond: notify_one");
  const RtSection rt;
  waiters_.lock.lock();
  Waiter* oldest = waiters_.waiters.take();
  waiters_.lock.unlock();
  if (oldest != nullptr) wake(static_cast<Queued&>(*oldest));
}

void Cond::notify_all() {
  require_goroutine("cond: notify_all");
  const RtSection rt;
  waiters_.lock.lock();
  std::uint32_t count = 0;
  Waiter* waiter = waiters_.waiters.take_all(count);
  waiters_.lock.unlock();
  while (waiter != nullptr) {
    Waiter* next = waiter->next;
    wake(static_cast<Queued&>(*waiter));
    waiter = next;
  }
}

}  // namespace gorun::runtime
