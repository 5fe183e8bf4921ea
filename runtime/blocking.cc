// runtime/blocking.cc - marked blocking calls, and how an M that lost its P gets one again.

#include "runtime/blocking.h"

#include <utility>

#include "runtime/runtime.h"
#include "runtime/sched/goroutine.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace_event.h"

namespace gorun::runtime {
namespace {

// The M runs its G on without a P: any idle one will do, or its old one if its owner is in a
// blocking call now; else the G queues for one. It also queues if work waits beside the idle P:
// that lacks an M, as threads are refused, and may come from a goroutine that never parks.
void regain_p() {
  M* m = current_m();
  P* pp = sched->acquire_idle(m->old_p);
  const bool is_needed =
      pp != nullptr && !m->g->locked && (pp->has_work() || sched->grq.size() > 0);
  if (pp == nullptr) pp = sched->take_from_blocked(m->old_p);
  if (pp != nullptr) {
    wire(m, pp);
    sched->await_soloist(pp);
    if (!is_needed) {
      note(TraceKind::kRun, m->g);
      return;
    }
  }
  note(TraceKind::kYield, m->g);
  m->g->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  switch_to_g0(
      m, [](G* gp, void*) { sched->submit_global(gp); }, nullptr);
}

}  // namespace

void enter_slow() {
  M* m = current_m();
  if ((m->gate.load(std::memory_order_acquire) & M::kSteal) != 0) {
    // Waits for a decision that is just being taken, out of the runtime: it need not fail because
    // this M came back a moment too early. Release: as in leave().
    m->in_rt.store(0, std::memory_order_release);
    const std::lock_guard guard(sched->retake_lock);
    m->gate.fetch_and(~M::kSteal, std::memory_order_relaxed);
    m->in_rt.store(1, std::memory_order_relaxed);  // the lock publishes it to the next decision
  }
  if (m->p == nullptr) regain_p();
  if (sched->mode.jitter != 0) jitter();
}

bool put_off_if_blocking(Afterwards& what) {
  if (!in_goroutine()) return false;
  M* m = current_m();  // to the end of the section: a blocking call does not move the goroutine
  if (!m->blocking.load(std::memory_order_relaxed)) return false;
  what.next = std::exchange(m->afterwards, &what);
  return true;
}

void enter_blocking(Blocking expected) {
  if (!in_goroutine() || sched->mode.deterministic) return;
  enter_runtime();
  M* m = current_m();
  m->g->status.store(GStatus::kBlocked, std::memory_order_relaxed);
  note(TraceKind::kBlock, m->g);
  m->p->calls.store(m->p->calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (expected == Blocking::kLong) sched->hand_off(unwire(m));
  // The last word on the P: who finds the mark, and in_rt as it was before this M came in, may take
  // it from here on. Release: with all that was done to it.
  m->blocking.store(true, std::memory_order_release);
  leave_runtime();
}

void exit_blocking() {
  if (!in_goroutine() || sched->mode.deterministic) return;
  M* m = current_m();  // a blocking call does not move the goroutine
  Afterwards* put_off = std::exchange(m->afterwards, nullptr);
  m->in_rt.store(1, std::memory_order_seq_cst);  // the full fence that stands in for a membarrier
  m->blocking.store(false, std::memory_order_relaxed);
  if (!M::is_open(m->gate.load(std::memory_order_seq_cst))) {
    enter_slow();
  } else if (m->p == nullptr) {
    regain_p();
  }
  m = current_m();
  note(TraceKind::kUnblock, m->g);
  m->g->status.store(GStatus::kRunning, std::memory_order_relaxed);
  leave_runtime();
  while (put_off != nullptr) {
    const Afterwards* what = std::exchange(put_off, put_off->next);
    what->run(what->arg);  // may be gone from here on
  }
}

}  // namespace gorun::runtime
