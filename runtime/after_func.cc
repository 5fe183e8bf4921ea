// runtime/after_func.cc - see after_func.h.

#include "runtime/after_func.h"

#include <mutex>

#include "runtime/sched/goroutine.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/spawn.h"

namespace gorun::runtime {

void FuncTimer::Call::start(Nanos delay, SpawnSite where) {
  require_goroutine("after_func");
  where_ = where;
  event_.fire = fire;
  // The run ended first: the heap gives up its share.
  event_.discard = [](void* self) { static_cast<Call*>(self)->release(); };
  event_.arg = this;
  const RtSection rt;
  start_locked(delay);
}

void FuncTimer::Call::start_locked(Nanos delay) {
  retain();  // the heap's share; fire() passes it on to a goroutine
  event_.when = TimerHeap::when_after(clock_ns(), delay.count());
  start_timer(&event_);
}

// The heap's share is never the last: the caller has a handle.
bool FuncTimer::Call::stop() {
  require_goroutine("after_func: stop");
  const RtSection rt;
  const std::lock_guard guard(lock_);
  const bool stopped = TimerHeap::stop(&event_);
  if (stopped) release();
  return stopped;
}

bool FuncTimer::Call::restart(Nanos delay) {
  require_goroutine("after_func: reset");
  const RtSection rt;
  const std::lock_guard guard(lock_);
  const bool stopped = TimerHeap::stop(&event_);
  if (stopped) release();
  start_locked(delay);
  return stopped;
}

void FuncTimer::Call::fire(void* self) {
  struct Share {
    Call* call;
    explicit Share(Call* owned) : call(owned) {}
    Share(Share&& other) noexcept : call(std::exchange(other.call, nullptr)) {}
    ~Share() {
      if (call != nullptr) call->release();
    }
  };
  auto* call = static_cast<Call*>(self);
  P* pp = current_m()->p;
  G* gp = new_g(pp, call->where_);
  detail::set_closure(gp, [share = Share(call)] { share.call->run(); });
  submit_new_g(pp, gp);
}

}  // namespace gorun::runtime
