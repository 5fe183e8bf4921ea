// runtime/wait_queue.cc - waking a whole list of waiters.

#include "runtime/wait_queue.h"

#include "runtime/sched/g_list.h"
#include "runtime/sched/park.h"

namespace gorun::runtime {

void ready_all(Waiter* first) {
  GList woken;
  while (first != nullptr) {
    // Read first: a locked goroutine goes on at once, and then its frame is gone.
    Waiter* next = first->next;
    __builtin_prefetch(next);
    add_ready(woken, first->g);
    first = next;
  }
  ready_all(woken);
}

}  // namespace gorun::runtime
