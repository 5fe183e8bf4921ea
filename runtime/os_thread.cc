// runtime/os_thread.cc - see os_thread.h, and sched/locked.cc for how it is done.

#include "runtime/os_thread.h"

#include <mutex>

#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {

void lock_os_thread() {
  require_goroutine("lock_os_thread");
  const RtSection rt;
  M* m = current_m();
  if (m->lock_depth++ > 0) return;
  {
    const std::lock_guard guard(sched->lock);
    m->next_p = nullptr;  // the one it was started or woken with
  }
  G* gp = m->g;
  gp->locked_m = m;
  gp->locked = true;
  m->locked_g = gp;
}

void unlock_os_thread() {
  require_goroutine("unlock_os_thread");
  const RtSection rt;
  M* m = current_m();
  if (m->lock_depth == 0 || --m->lock_depth > 0) return;
  m->g->locked = false;
  m->locked_g = nullptr;
}

}  // namespace gorun::runtime
