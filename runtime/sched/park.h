// runtime/sched/park.h - what channels, locks and timers need of the scheduler: enter, park, ready.
//
//   const RtSection rt;            // this M may touch its P now
//   queue.lock();
//   if (nothing there) {
//     queue.push(&own_waiter());
//     park(WaitReason::kChanRecv, unlock_queue, &queue);   // unlocks after the switch
//   }
//
// A parked G becomes runnable only after its registers are saved: whatever makes it findable (here,
// unlocking the queue that holds its waiter) is done by the commit, which runs on the next context.
#pragma once

#include "runtime/sched/m.h"
#include "runtime/wait_reason.h"

namespace gorun::runtime {

class GList;
struct TimerEvent;

/// Takes `m` into the runtime when the fast path could not: its P may be gone.
void enter_slow();

/// From user code into the runtime; see m.h. Aborts outside a goroutine.
inline void enter_runtime() {
  if (!current_m()->try_enter()) [[unlikely]]
    enter_slow();
}

/// Back to user code.
inline void leave_runtime() { current_m()->leave(); }

/// enter and leave as a scope. The M may differ at its two ends.
class RtSection {
 public:
  RtSection() { enter_runtime(); }
  ~RtSection() { leave_runtime(); }
  RtSection(const RtSection&) = delete;
  RtSection& operator=(const RtSection&) = delete;
};

/// Aborts unless the caller runs on a goroutine; `operation` names it, as in "chan: send".
inline void require_goroutine(const char* operation) {
  [[noreturn]] void refuse_outside_goroutine(const char* operation);
  const M* m = current_m();
  if (m == nullptr || m->g == nullptr) [[unlikely]]
    refuse_outside_goroutine(operation);
}

/// The calling G's own waiter, as new: for one wait in one list, until park() has returned. In the
/// runtime.
inline Waiter& own_waiter(void* slot = nullptr) {
  G* self = current_m()->g;
  Waiter& waiter = self->waiter;
  waiter.select = nullptr;
  waiter.slot = slot;
  waiter.queued = waiter.fired = waiter.handed_over = false;
  waiter.status = ChanStatus::kOk;
  waiter.g = self;
  waiter.since = 0;
  return waiter;
}

/// Puts `what` off until the calling goroutine leaves the blocking section that it is in. returns
/// false if it is in none.
[[nodiscard]] bool put_off_if_blocking(Afterwards& what);

/// Parks the calling G; `commit(gp, arg)` runs once its registers are saved. In the runtime.
///
/// `arg` says in reports what the G waits for: for kChanSend and kChanRecv it is the ChanCore, for
/// kSelect the Select, which waited_channels() (waited_channel.h) takes apart.
void park(WaitReason reason, void (*commit)(G* gp, void* arg), void* arg);

/// Queues `event` with the timers of this P. In the runtime.
void start_timer(TimerEvent* event);

/// Makes a parked G runnable, next on this P. In the runtime, by exactly one waker.
void ready(G* gp);

/// A parked G on its way to being made runnable with others, by ready_all(). In the runtime, by
/// exactly one waker.
void add_ready(GList& woken, G* gp);

/// Makes all of a list runnable, in its order, behind what is runnable here. In the runtime.
void ready_all(GList& woken);
/// The same for waiters that were taken off their queue, linked by `next`.
void ready_all(Waiter* first);

}  // namespace gorun::runtime
