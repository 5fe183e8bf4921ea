// runtime/done_waiter.h - the second place in which a goroutine waits that parks in the queue of a
// primitive and may be cancelled: the done() channel of its Cancel.
//
// Both waiters share one claim, as those of a select do: whoever wins it is the one waker. Lock
// order: the primitive's queue, then the channel.
//
//   queue.lock.lock();
//   DoneWaiter done(cancel, claim);
//   if (!done.enlist_locked(self)) { queue.lock.unlock(); return cancelled; }
//   queue.waiters.push(&mine);           // mine.select == &claim
//   park(reason, commit, ...);           // which calls done.unlock(), then queue.lock.unlock()
//   done.withdraw();
//   if (!mine.fired) ...                 // cancelled: take `mine` off under queue.lock
#pragma once

#include "runtime/cancel.h"
#include "runtime/chan_core.h"

namespace gorun::runtime {

/// In the runtime, all members.
class DoneWaiter {
 public:
  DoneWaiter(const Cancel& cancel, SelectClaim& claim) : chan_(cancel.done().core()) {
    waiter_.select = &claim;
  }

  /// Queues `gp`, which is to park, and leaves the channel locked; false, and unlocked, if the node
  /// is cancelled already.
  [[nodiscard]] bool enlist_locked(G* gp) {
    chan_->lock_.lock();
    if (chan_->is_closed()) {
      chan_->lock_.unlock();
      return false;
    }
    waiter_.g = gp;
    chan_->receivers_.push(&waiter_);
    return true;
  }
  void unlock() { chan_->lock_.unlock(); }

  /// Takes the waiter off, if it is queued still.
  void withdraw() {
    chan_->lock_.lock();
    chan_->receivers_.remove(&waiter_);
    chan_->lock_.unlock();
  }

 private:
  ChanCore* const chan_;
  Waiter waiter_;
};

}  // namespace gorun::runtime
