// runtime/timer.cc - the clock, sleep, and timers that send into channels.

#include "runtime/timer.h"

#include <mutex>
#include <utility>

#include "runtime/fatal.h"
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
  event.when = TimerHeap::when_after(clock_ns(), duration.count());
  event.fire = [](void* gp) { ready(static_cast<G*>(gp)); };
  event.arg = current_m()->g;
  park(
      WaitReason::kSleep, [](G*, void* timer) { start_timer(static_cast<TimerEvent*>(timer)); },
      &event);
}

void start_timer(TimerEvent* event) {
  const std::int64_t when = event->when;  // once inserted it may fire, and be gone
  if (current_m()->p->timers.insert(event)) sched->timer_added(when);
}

namespace detail {

ChanTimer::ChanTimer(Nanos after, Nanos period) {
  require_goroutine("timer: start");
  event_.fire = fire;
  event_.arg = this;
  const RtSection rt;
  start_locked(after, period);  // nobody else knows it: no lock
}

ChanTimer::~ChanTimer() {
  if (event_.heap.load(std::memory_order_relaxed) == nullptr) return;
  if (in_goroutine()) {
    const RtSection rt;
    TimerHeap::stop(&event_);
  } else {
    // Once a run has ended no M is left that could disagree.
    if (sched != nullptr && !sched->stopping.load(std::memory_order_acquire)) {
      fatal("timer: destroyed outside a goroutine");
    }
    TimerHeap::stop(&event_);
  }
}

void ChanTimer::start_locked(Nanos after, Nanos period) {
  event_.when = TimerHeap::when_after(clock_ns(), after.count());
  event_.period = period.count();
  start_timer(&event_);
}

// Once the event is out of the heap fire() neither runs nor will run, so chan_ and unsent_ are
// ours.
bool ChanTimer::stop_locked() {
  bool unfired = TimerHeap::stop(&event_);
  if (unsent_.count() != kNothing) {
    unsent_ = Nanos{kNothing};
    unfired = true;
  }
  // A value that nobody received is as good as one that was not sent.
  if (ChanCore* chan = chan_.core(); chan != nullptr && chan->forget_one()) unfired = true;
  return unfired;
}

bool ChanTimer::stop() {
  require_goroutine("timer: stop");
  const RtSection rt;
  const std::lock_guard guard(lock_);
  return stop_locked();
}

bool ChanTimer::restart(Nanos after, Nanos period) {
  require_goroutine("timer: reset");
  const RtSection rt;
  const std::lock_guard guard(lock_);
  const bool unfired = stop_locked();
  start_locked(after, period);
  return unfired;
}

void ChanTimer::fire(void* self) {
  auto* timer = static_cast<ChanTimer*>(self);
  Nanos time = now();
  if (ChanCore* chan = timer->chan_.core(); chan != nullptr) {
    chan->offer(&time);
  } else if (timer->unsent_.count() == kNothing) {
    timer->unsent_ = time;
  }
}

void ChanTimer::make_chan() {
  require_goroutine("timer: chan");
  Chan<Nanos> made(1);  // freed, if another goroutine was first, outside the runtime
  const RtSection rt;
  const std::lock_guard guard(lock_);
  if (has_chan_.load(std::memory_order_relaxed)) return;
  // Against fire(). A timer that was stopped is in no heap and does not fire.
  TimerHeap* heap = TimerHeap::lock_home(event_);
  chan_ = std::move(made);
  if (unsent_.count() != kNothing) {
    chan_.core()->offer(&unsent_);
    unsent_ = Nanos{kNothing};
  }
  if (heap != nullptr) heap->lock().unlock();
  has_chan_.store(true, std::memory_order_release);
}

}  // namespace detail

Nanos Ticker::checked(Nanos period) {
  if (period.count() <= 0) fatal("ticker: the period must be positive");
  return period;
}

namespace {

// Belongs to the heap until it fires.
struct PendingAfter {
  TimerEvent event;
  Chan<Nanos> chan{1};
};

}  // namespace

Chan<Nanos> after(Nanos delay) {
  require_goroutine("after");
  auto* pending = new PendingAfter;
  Chan<Nanos> chan = pending->chan;
  pending->event.fire = [](void* self) {
    auto* fired = static_cast<PendingAfter*>(self);
    Nanos time = now();
    fired->chan.core()->offer(&time);
    delete fired;
  };
  pending->event.discard = [](void* self) { delete static_cast<PendingAfter*>(self); };
  pending->event.arg = pending;
  const RtSection rt;
  pending->event.when = TimerHeap::when_after(clock_ns(), delay.count());
  start_timer(&pending->event);
  return chan;
}

}  // namespace gorun::runtime
