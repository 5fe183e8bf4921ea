// runtime/sched/locked.cc - goroutines that are locked to their M: how the two find each other.
//
// A locked G is in no P's queues, where any M could come upon it: it runs on from where it parked,
// it waits in the GRQ for a P, or its M has just been given one. So the direct switch from G to G
// needs not ask. Its M runs nothing else: when the G parks or yields, the M hands its P on and
// sleeps until it is given one for the G. An M that finds a locked G at the head of the GRQ gives
// its own P to that G's M, and looks for another, from g0, where it may be without one.
//
// Both ways cost a sleep and a wake-up of a thread, some 100 us together: what the lock is for (a
// library with thread-local state, a system call that changes the calling thread) is worth that.

#include <utility>

#include "runtime/sched/futex.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {

void Sched::give_p(M* m, P* pp) {
  m->next_p = pp;
  if (std::exchange(m->awaits_p, false)) --sched->locked_asleep;
}

// In place of find_runnable() for an M with a locked G; null when the run is over.
G* Sched::run_locked(M* m) {
  if (m->p != nullptr) hand_off(unwire(m));
  std::unique_lock guard(lock);
  if (m->next_p == nullptr) {
    m->awaits_p = true;
    ++locked_asleep;
    check_over();
  }
  while (m->next_p == nullptr) {
    if (stopping.load(std::memory_order_relaxed)) return nullptr;
    m->wake_word.store(0, std::memory_order_relaxed);
    guard.unlock();
    futex_wait(m->wake_word, 0);
    guard.lock();
  }
  wire(m, std::exchange(m->next_p, nullptr));
  guard.unlock();
  await_soloist(m->p);
  return m->locked_g;
}

void Sched::ready_locked(G* gp) {
  M* const m = gp->locked_m;
  bool has_p = false;
  {
    const std::lock_guard guard(lock);
    if (P* pp = take_idle(nullptr)) {
      give_p(m, pp);
      has_p = true;
    } else {
      grq.push(gp);
    }
  }
  if (has_p) {
    rouse(m);
  } else {
    wake();
  }
}

bool Sched::hand_to_locked(M* m) {
  M* to = nullptr;
  {
    const std::lock_guard guard(lock);
    const G* oldest = grq.head();
    if (oldest == nullptr || !oldest->locked) return false;
    to = oldest->locked_m;
    grq.pop();
    give_p(to, unwire(m));
  }
  if (m->spinning) stop_spinning(m);
  rouse(to);
  return true;
}

// Whatever queues before it: no other M is to be had for `pp`.
M* Sched::give_to_locked(P* pp) {
  const G* gp = grq.pop_locked();
  if (gp == nullptr) return nullptr;
  give_p(gp->locked_m, pp);
  return gp->locked_m;
}

// The thread goes with the locked goroutine that ended on it, and with whatever that did to it.
void Sched::end_locked(M* m) {
  if (m->p != nullptr) hand_off(unwire(m));
  std::unique_lock guard(lock);
  end_thread(m, guard);
}

}  // namespace gorun::runtime
