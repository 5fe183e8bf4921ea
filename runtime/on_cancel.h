// runtime/on_cancel.h - OnCancel: what to do when a node is cancelled while something goes on that
// does not watch it by itself, such as input and output.
//
//   const OnCancel watch(request, [&] { socket.set_deadline(Nanos{0}); });
//   IoResult got = socket.read_full(buffer, size);   // kTimedOut at once when `request` is
//   cancelled
//
// Operations on channels watch cancel.done() as one more case of their select instead, and sleeps
// and semaphores take a Cancel: see cancel.h, semaphore.h.
#pragma once

#include <utility>

#include "runtime/cancel.h"
#include "runtime/select.h"
#include "runtime/wait_group.h"

namespace gorun::runtime {

/// Runs `f()` once `cancel` is cancelled, in a goroutine of its own, for as long as this lives. Its
/// destruction waits for an `f` that runs, and afterwards none will.
///
/// threads  made and destroyed by one goroutine.
/// order    what precedes the cancellation happens-before `f`, which happens-before the end of
/// this. source   Go, context.AfterFunc, but tied to a scope.
class OnCancel {
 public:
  template <class F>
  OnCancel(const Cancel& cancel, F f, SpawnSite where = SpawnSite::current()) {
    watching_.go(
        [this, cancel, act = std::move(f)]() mutable {
          if (select(recv_case(over_), recv_case(cancel.done())).index == 1) act();
        },
        where);
  }
  ~OnCancel() {
    over_.close();
    watching_.wait();
  }
  OnCancel(const OnCancel&) = delete;
  OnCancel& operator=(const OnCancel&) = delete;

 private:
  Chan<Unit> over_{0};  // closed at the end of the scope
  WaitGroup watching_;
};

}  // namespace gorun::runtime
