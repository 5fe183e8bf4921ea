// runtime/sched/procs.cc - more or fewer Ps while goroutines run.
//
// A container's quota or a process's affinity may change during a run; sysmon asks for both once a
// second while goroutines run, and not at all while all are parked. Goroutines may ask for a number
// of their own.
//
// Ps with a number below `procs` may run. Beyond it they are surplus: nobody is given one, and who
// has one puts its Gs into the GRQ and drops it, at the latest when it next looks for a G on g0. A
// poke sends it there with its next pick; from one that computes, or is in a blocking call, sysmon
// retakes the P, as it would for waiting work. Until then thieves find what the P holds: a surplus
// P loses its owner, never a G. Its timers, which nobody would look at any more, sysmon moves to P
// 0, which is never surplus. One that idles with Gs, because a thread was refused, gives them to
// the GRQ as it becomes surplus.
//
// A surplus P stays, empty, until it is wanted again: sysmon and thieves may be looking at it.
//
// Not chosen: stopping the world, as Go does. What it buys there is a table of Ps that only ever
// changes at rest; here the Ps stay where they are.

#include <algorithm>
#include <mutex>

#include "runtime/num_cpu.h"
#include "runtime/sched/g_list.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {

int Sched::set_procs(int wanted, ProcsFrom from) {
  int count = 0;
  {
    const std::lock_guard guard(lock);
    if (from == ProcsFrom::kGoroutine) {
      follows_cpus.store(false, std::memory_order_relaxed);
    } else if (!follows_cpus.load(std::memory_order_relaxed)) {
      return procs.load(std::memory_order_relaxed);  // overtaken since it looked
    }
    count = std::clamp(wanted, 1, static_cast<int>(ps.capacity()));
    if (count == procs.load(std::memory_order_relaxed)) return count;
    while (ps.size() < static_cast<std::size_t>(count)) ps.add();
    procs.store(count, std::memory_order_seq_cst);
    int idle = 0;
    for (auto& pp : ps) {
      if (is_surplus(pp.get())) {
        pp->poke.store(true, std::memory_order_relaxed);
        if (pp->idle) drain(pp.get());
      } else if (pp->idle) {
        ++idle;
      }
    }
    idle_ps.store(idle, std::memory_order_seq_cst);
  }
  wake();  // there may be work for a P that was surplus until now
  return count;
}

void Sched::follow_cpus(std::int64_t now) {
  if (!follows_cpus.load(std::memory_order_relaxed) || now < next_procs_look_) return;
  next_procs_look_ = now + mode.procs_period_ns;
  set_procs(num_cpu(starter), ProcsFrom::kProcessors);
}

void Sched::drain(P* pp) {
  if (G* gp = pp->runnext.exchange(nullptr, std::memory_order_acq_rel)) grq.push(gp);
  while (G* gp = pp->lrq.pop()) grq.push(gp);
  while (!pp->spawned.empty()) {
    if (G* gp = pp->spawned.steal()) grq.push(gp);  // the oldest first; null: a thief was faster
  }
}

void Sched::shed(P* pp) {
  {
    const std::lock_guard guard(lock);
    make_idle(pp);
    check_over();
  }
  wake();  // for them, and for its timers: who wakes keeps the time afterwards
}

void Sched::shed_own(M* m) {
  P* pp = unwire(m);
  if (m->spinning) {
    m->spinning = false;
    spinning.fetch_sub(1, std::memory_order_seq_cst);
  }
  shed(pp);
}

void Sched::look_after_surplus() {
  for (std::size_t i = ps.size(); i-- > 0 && is_surplus(ps[i].get());) {
    P* pp = ps[i].get();
    pp->poke.store(true, std::memory_order_relaxed);  // the last one may have met it on g0
    if (pp->timers.earliest() == TimerHeap::kNever) continue;
    {
      const std::lock_guard guard(lock);
      end_solo(nullptr);
    }
    await_soloist(nullptr);  // who goes without the lock of a heap
    ps[0]->timers.adopt(pp->timers);
  }
}

}  // namespace gorun::runtime
