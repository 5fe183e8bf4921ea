// runtime/wait_queue.cc - waking a whole list of waiters.

#include "runtime/wait_queue.h"

#include "runtime/sched/park.h"

namespace gorun::runtime {

void ready_all(Waiter* first) {
  while (first != nullptr) {
    Waiter* next = first->next;  // read first: a woken goroutine's frame is gone
    ready(first->g);
    first = next;
  }
}

}  // namespace gorun::runtime
