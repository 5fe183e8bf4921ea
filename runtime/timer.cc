// runtime/timer.cc - the clock, and sleep.

#include "runtime/timer.h"

#include "runtime/runtime.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {

Nanos now() { return Nanos(sched == nullptr ? monotonic_ns() : clock_ns()); }

void sleep(Nanos duration) {
  require_goroutine("sleep");
  if (duration.count() <= 0) {
    yield();
    return;
  }
  const RtSection rt;
  TimerEvent event;
  event.when = clock_ns() + duration.count();
  event.fire = [](void* gp) { ready(static_cast<G*>(gp)); };
  event.arg = current_m()->g;
  park(
      WaitReason::kSleep,
      [](G*, void* arg) {
        auto* timer = static_cast<TimerEvent*>(arg);
        const std::int64_t when = timer->when;  // once inserted it may fire, and be gone
        if (current_m()->p->timers.insert(timer)) sched->timer_added(when);
      },
      &event);
}

}  // namespace gorun::runtime
