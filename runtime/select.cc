// runtime/select.cc - select in three passes, with every channel locked in address order.
//
//   1  look for a case that can run now, from a random start (or in order): run it
//   2  else queue one waiter on every channel, all sharing one claim; park, unlocking in the commit
//   3  woken by whoever claimed one: lock again, take the other waiters off
//
// Prior art: Go, src/runtime/select.go.

#include "runtime/select.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/waited_channels.h"

namespace gorun::runtime {

namespace {
constexpr std::size_t kInlineCases = 8;  // that many need no allocation
}

class Select {
 public:
  Select(std::span<SelectCase> cases, SelectOrder order) : cases_(cases), order_(order) {
    if (cases.size() > kInlineCases) {
      heap_ = std::make_unique<Branch[]>(cases.size());
      branches_ = heap_.get();
    }
    for (std::size_t i = 0; i < cases.size(); ++i) add(static_cast<int>(i));
    // Each channel is locked once, however many cases name it.
    std::sort(branches_, branches_ + count_,
              [](const Branch& a, const Branch& b) { return std::less<>()(a.chan, b.chan); });
  }

  Selected run() {
    const RtSection rt;
    lock();
    if (const Selected ready = look(); ready.index >= 0) return ready;
    if (default_index_ >= 0) {
      unlock();
      return {default_index_, ChanStatus::kWouldBlock};
    }
    return wait();
  }

  /// The channels of a select that is parked for good; no lock is needed any more.
  void list_channels(std::vector<WaitedChannel>& out) const {
    for (std::size_t i = 0; i < count_; ++i) {
      const Branch& branch = branches_[i];
      // The channel took the waiter off its list when it was freed.
      out.push_back(waited_channel(branch.waiter.queued ? branch.chan : nullptr,
                                   branch.it->kind == CaseKind::kSend
                                       ? WaitedChannel::Way::kSend
                                       : WaitedChannel::Way::kReceive));
    }
  }

 private:
  struct Branch {
    ChanCore* chan = nullptr;
    SelectCase* it = nullptr;
    Waiter waiter;
  };

  void add(int index) {
    SelectCase& it = cases_[static_cast<std::size_t>(index)];
    switch (it.kind) {
      case CaseKind::kDefault:
        default_index_ = index;
        return;
      case CaseKind::kTimeout:
        if (timeout_index_ < 0 || it.timeout < timeout_) {
          timeout_index_ = index;
          timeout_ = it.timeout;
        }
        return;
      case CaseKind::kRecv:
      case CaseKind::kSend:
        break;
    }
    if (it.chan == nullptr) return;  // the nil channel is never ready
    Branch& branch = branches_[count_++];
    branch.chan = it.chan;
    branch.it = &it;
    branch.waiter.index = index;
    branch.waiter.slot = it.slot;
    branch.waiter.select = &claim_;
  }

  bool first_of_channel(std::size_t i) const {
    return i == 0 || branches_[i - 1].chan != branches_[i].chan;
  }
  void lock() {
    for (std::size_t i = 0; i < count_; ++i) {
      if (first_of_channel(i)) branches_[i].chan->lock_.lock();
    }
  }
  void unlock() {
    // The frame may be gone once the last channel is unlocked: its G can then run to the end of
    // this select on another M. So nothing of it is read after that.
    const Branch* const branches = branches_;
    const std::size_t count = count_;
    for (std::size_t i = count; i-- > 0;) {
      ChanCore* chan = branches[i].chan;
      if (i == 0) {
        chan->lock_.unlock();
        return;
      }
      if (branches[i - 1].chan != chan) chan->lock_.unlock();
    }
  }

  Selected attempt(Branch& branch) {
    SelectCase& it = *branch.it;
    const ChanCore::Done done = it.kind == CaseKind::kRecv ? branch.chan->recv_now(it.slot)
                                                           : branch.chan->send_now(it.slot);
    if (!done.done) return {};
    unlock();
    if (done.wake != nullptr) ready(done.wake);
    return {branch.waiter.index, done.status};
  }

  // Pass 1. Unlocks if a case ran.
  Selected look() {
    if (count_ == 0) return {};
    if (order_ == SelectOrder::kPrioritized) {
      for (std::size_t i = 0; i < cases_.size(); ++i) {
        for (std::size_t b = 0; b < count_; ++b) {
          if (branches_[b].waiter.index != static_cast<int>(i)) continue;
          if (const Selected ran = attempt(branches_[b]); ran.index >= 0) return ran;
        }
      }
      return {};
    }
    // A random permutation, not just a random start: with cases 0 and 1 of three ready, a start at
    // 2 would always fall to 0.
    std::uint64_t random = current_m()->next_random();
    std::size_t order[kInlineCases];
    const std::unique_ptr<std::size_t[]> many(count_ > kInlineCases ? new std::size_t[count_]
                                                                    : nullptr);
    std::size_t* const at = many ? many.get() : order;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::size_t j = static_cast<std::size_t>(random % (i + 1));
      random = random * 6364136223846793005ull + 1442695040888963407ull;
      random ^= random >> 33;
      at[i] = i;
      std::swap(at[i], at[j]);
    }
    for (std::size_t i = 0; i < count_; ++i) {
      if (const Selected ran = attempt(branches_[at[i]]); ran.index >= 0) return ran;
    }
    return {};
  }

  // Passes 2 and 3.
  Selected wait() {
    G* self = current_m()->g;
    self_ = self;
    if (timeout_index_ >= 0) {
      if (const Selected ready = lock_timers(); ready.index >= 0) return ready;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      Branch& branch = branches_[i];
      branch.waiter.g = self;
      (branch.it->kind == CaseKind::kRecv ? branch.chan->receivers_ : branch.chan->senders_)
          .push(&branch.waiter);
    }
    if (timeout_index_ >= 0) {
      timer_.when = TimerHeap::when_after(clock_ns(), timeout_.count());
      timer_.fire = [](void* select) { static_cast<Select*>(select)->time_out(); };
      timer_.arg = this;
    }
    park(
        WaitReason::kSelect, [](G*, void* select) { static_cast<Select*>(select)->commit(); },
        this);
    if (timeout_index_ >= 0) TimerHeap::stop(&timer_);
    lock();
    Selected chosen{timeout_index_, ChanStatus::kTimedOut};
    for (std::size_t i = 0; i < count_; ++i) {
      Branch& branch = branches_[i];
      if (branch.waiter.fired) {
        chosen = {branch.waiter.index, branch.waiter.status};
        continue;
      }
      (branch.it->kind == CaseKind::kRecv ? branch.chan->receivers_ : branch.chan->senders_)
          .remove(&branch.waiter);
    }
    unlock();
    return chosen;
  }

  // The heap is to be locked before the channels, which are locked already: it may only be tried.
  // When that fails all are locked anew, in order, and looked at again.
  Selected lock_timers() {
    timers_ = &current_m()->p->timers;
    if (timers_->lock().try_lock()) return {};
    unlock();
    timers_->lock().lock();
    lock();
    const Selected ready = look();
    if (ready.index >= 0) timers_->lock().unlock();
    return ready;
  }

  // Runs after the switch: now the G may be found.
  void commit() {
    if (timeout_index_ < 0) {
      if (count_ > 0) unlock();
      return;
    }
    // The last unlock lets the G run, and its frame, this select, be gone.
    TimerHeap& heap = *timers_;
    const std::int64_t when = timer_.when;
    const bool earliest = heap.insert_locked(&timer_);
    if (count_ > 0) {
      // In this order: the G cannot get past its third pass while a channel is locked.
      heap.lock().unlock();
      unlock();
    } else {
      heap.lock().unlock();
    }
    if (earliest) sched->timer_added(when);
  }

  void time_out() {
    if (claim_.claim()) ready(self_);
  }

  std::span<SelectCase> cases_;
  SelectOrder order_;
  Branch inline_[kInlineCases];
  std::unique_ptr<Branch[]> heap_;
  Branch* branches_ = inline_;  // sorted by channel
  std::size_t count_ = 0;
  int default_index_ = -1;
  int timeout_index_ = -1;
  Nanos timeout_{0};
  SelectClaim claim_;
  TimerEvent timer_;
  TimerHeap* timers_ = nullptr;  // the P's at the time of parking
  G* self_ = nullptr;
};

void append_waited_channels(const Select& parked, std::vector<WaitedChannel>& out) {
  parked.list_channels(out);
}

Selected select(std::span<SelectCase> cases, SelectOrder order) {
  require_goroutine("select");
  Select it(cases, order);
  return it.run();
}

}  // namespace gorun::runtime
