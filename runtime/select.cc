// runtime/select.cc - select in three passes.
//
//   1  look for a case that can run now, in a random order (or the one written): run it
//   2  else queue one waiter on every channel, all sharing one claim; park, unlocking in the commit
//   3  woken by whoever claimed one: take the waiters off the other channels
//
// Pass 1 looks at all cases first and draws among those that are ready: as fair as to try all of
// them in a random order, and without the tries.
//
// Between passes 1 and 2 nothing may become ready: there every channel is locked, in address order,
// unless this M is alone (solo.h). Before, a case that looks ready is tried with its own channel
// locked only, unless the order matters: then a case may not become ready behind the look. In pass
// 3 each loser is locked alone, and the channel that woke the goroutine not at all: its waker was
// done with it, and is likely to use it again now.
//
// Prior art: Go, src/runtime/select.go.

#include "runtime/select.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/waited_channels.h"

namespace gorun::runtime {

namespace {

constexpr std::size_t kInlineCases = 8;  // that many need no allocation

// A random number below `bound`, from the high half of a product instead of a division.
std::size_t below(std::size_t bound, std::uint64_t& random) {
  random = random * 6364136223846793005ull + 1442695040888963407ull;
  return static_cast<std::size_t>(((random >> 32) * bound) >> 32);
}

}  // namespace

class Select {
 public:
  Select(std::span<SelectCase> cases, SelectOrder order) : cases_(cases), order_(order) {
    if (cases.size() > kInlineCases) {
      many_ = std::make_unique<SelectCase*[]>(cases.size());
      by_chan_ = many_.get();
    }
    // Not count_: it would be read back after each store, for all that the compiler knows.
    SelectCase** end = by_chan_;
    for (SelectCase& it : cases) {
      if (is_on_channel(it)) *end++ = &it;
    }
    count_ = static_cast<std::size_t>(end - by_chan_);
  }

  Selected run() {
    if (default_index_ >= 0 && !looks_ready()) return {default_index_, ChanStatus::kWouldBlock};
    const RtSection rt;
    alone_ = solo();
    if (order_ == SelectOrder::kRandom) {
      const Selected ran = in_random_order([this](SelectCase& it) { return attempt_alone(it); });
      if (ran.index >= 0) return ran;
    }
    // Alone, what was not ready above is not ready now.
    if (!alone_ || order_ != SelectOrder::kRandom) {
      if (const Selected ready = lock_and_look(); ready.index >= 0) return ready;
    }
    if (default_index_ >= 0) {
      unlock();
      return {default_index_, ChanStatus::kWouldBlock};
    }
    return wait();
  }

  /// The channels of a select that is parked for good; no lock is needed any more.
  void list_channels(std::vector<WaitedChannel>& out) const {
    for (std::size_t i = 0; i < count_; ++i) {
      // The channel took the waiter off its list when it was freed.
      out.push_back(waited_channel(waiters_[i].queued ? by_chan_[i]->chan : nullptr,
                                   by_chan_[i]->kind == CaseKind::kSend
                                       ? WaitedChannel::Way::kSend
                                       : WaitedChannel::Way::kReceive));
    }
  }

 private:
  int index_of(const SelectCase& it) const { return static_cast<int>(&it - cases_.data()); }

  // Of the others it notes what there is to say.
  bool is_on_channel(const SelectCase& it) {
    switch (it.kind) {
      case CaseKind::kDefault:
        default_index_ = index_of(it);
        return false;
      case CaseKind::kTimeout:
        if (timeout_index_ < 0 || it.timeout < timeout_) {
          timeout_index_ = index_of(it);
          timeout_ = it.timeout;
        }
        return false;
      case CaseKind::kRecv:
      case CaseKind::kSend:
        break;
    }
    return it.chan != nullptr;  // the nil channel is never ready
  }

  // Few, and mostly in order: by insertion. Where nothing is locked they stay as they are written,
  // so that a deterministic run draws the same ones wherever its channels lie.
  void sort() {
    for (std::size_t i = 1; i < count_; ++i) {
      SelectCase* const it = by_chan_[i];
      std::size_t at = i;
      for (; at > 0 && std::less<>()(it->chan, by_chan_[at - 1]->chan); --at) {
        by_chan_[at] = by_chan_[at - 1];
      }
      by_chan_[at] = it;
    }
  }

  // Pass 1 with every channel locked, as they stay unless a case ran. Each is locked once, however
  // many cases name it.
  Selected lock_and_look() {
    if (alone_) return look();
    sort();
    bool is_ready = false;
    const ChanCore* locked = nullptr;
    for (std::size_t i = 0; i < count_; ++i) {
      const SelectCase& it = *by_chan_[i];
      if (it.chan != locked) it.chan->lock_.lock();
      locked = it.chan;
      is_ready = looks_ready(it) || is_ready;
    }
    return is_ready ? look() : Selected{};
  }
  void unlock() {
    if (alone_ || count_ == 0) return;
    // The frame may be gone once the last channel is unlocked: its G can then run to the end of
    // this select on another M. So nothing of it is read after that.
    SelectCase* const* const by_chan = by_chan_;
    for (std::size_t i = count_ - 1; i > 0; --i) {
      if (by_chan[i - 1]->chan != by_chan[i]->chan) by_chan[i]->chan->lock_.unlock();
    }
    by_chan[0]->chan->lock_.unlock();
  }

  static bool looks_ready(const SelectCase& it) {
    return it.kind == CaseKind::kRecv ? it.chan->may_recv() : it.chan->may_send();
  }
  bool looks_ready() const {
    return std::any_of(by_chan_, by_chan_ + count_,
                       [](const SelectCase* it) { return looks_ready(*it); });
  }

  static ChanCore::Done run_now(const SelectCase& it) {
    return it.kind == CaseKind::kRecv ? it.chan->recv_now(it.slot) : it.chan->send_now(it.slot);
  }
  Selected finish(const SelectCase& it, const ChanCore::Done& done) const {
    if (done.wake != nullptr) ready(done.wake);
    return {index_of(it), done.status};
  }

  // Every channel is locked; unlocks if the case ran.
  Selected attempt(const SelectCase& it) {
    const ChanCore::Done done = run_now(it);
    if (!done.done) return {};
    unlock();
    return finish(it, done);
  }
  // No channel is locked.
  Selected attempt_alone(const SelectCase& it) const {
    it.chan->lock_.lock();
    const ChanCore::Done done = run_now(it);
    it.chan->lock_.unlock();
    return done.done ? finish(it, done) : Selected{};
  }

  // What the first `attempt` returned that ran its case, of those that look ready.
  // A random permutation, not just a random start: with cases 0 and 1 of three ready, a start at 2
  // would always fall to 0.
  template <class Attempt>
  Selected in_random_order(Attempt attempt) const {
    SelectCase* inline_order[kInlineCases];
    const std::unique_ptr<SelectCase*[]> many_order(count_ > kInlineCases ? new SelectCase*[count_]
                                                                          : nullptr);
    SelectCase** const at = many_order ? many_order.get() : inline_order;
    std::size_t left = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      at[left] = by_chan_[i];
      left += looks_ready(*by_chan_[i]) ? 1U : 0U;
    }
    if (left == 0) return {};
    std::uint64_t random = left > 1 ? current_m()->next_random() : 0;
    for (; left > 0; --left) {
      std::swap(at[left - 1], at[below(left, random)]);
      if (const Selected ran = attempt(*at[left - 1]); ran.index >= 0) return ran;
    }
    return {};
  }

  // Pass 1. Unlocks if a case ran.
  Selected look() {
    if (order_ == SelectOrder::kPrioritized) {
      for (SelectCase& it : cases_) {
        if ((it.kind != CaseKind::kRecv && it.kind != CaseKind::kSend) || it.chan == nullptr) {
          continue;
        }
        if (const Selected ran = attempt(it); ran.index >= 0) return ran;
      }
      return {};
    }
    return in_random_order([this](SelectCase& it) { return attempt(it); });
  }

  WaiterList& list_of(const SelectCase& it) {
    return it.kind == CaseKind::kRecv ? it.chan->receivers_ : it.chan->senders_;
  }

  void queue_waiters() {
    if (count_ > kInlineCases) {
      many_waiters_ = std::make_unique<Waiter[]>(count_);
      waiters_ = many_waiters_.get();
    } else {
      waiters_ = reinterpret_cast<Waiter*>(inline_waiters_);
    }
    Waiter* const waiters = waiters_;
    SelectCase* const* const by_chan = by_chan_;
    for (std::size_t i = 0, count = count_; i < count; ++i) {
      auto* const waiter =
          new (&waiters[i]) Waiter{.select = &claim_, .slot = by_chan[i]->slot, .g = self_};
      list_of(*by_chan[i]).push(waiter);
    }
  }

  // Passes 2 and 3.
  Selected wait() {
    self_ = current_m()->g;
    if (timeout_index_ >= 0) {
      if (const Selected ready = lock_timers(); ready.index >= 0) return ready;
    }
    queue_waiters();
    if (timeout_index_ >= 0) {
      timer_.when = TimerHeap::when_after(clock_ns(), timeout_.count());
      timer_.fire = [](void* select) { static_cast<Select*>(select)->time_out(); };
      timer_.arg = this;
    }
    park(
        WaitReason::kSelect, [](G*, void* select) { static_cast<Select*>(select)->commit(); },
        this);
    if (timeout_index_ >= 0) TimerHeap::stop(&timer_);
    Selected chosen{timeout_index_, ChanStatus::kTimedOut};
    const bool alone = solo();
    for (std::size_t i = 0; i < count_; ++i) {
      SelectCase& it = *by_chan_[i];
      if (waiters_[i].fired) {
        chosen = {index_of(it), waiters_[i].status};
        continue;
      }
      // Also where it is off the list: who took it, and lost the claim, may still be looking at it.
      if (!alone) it.chan->lock_.lock();
      list_of(it).remove(&waiters_[i]);
      if (!alone) it.chan->lock_.unlock();
    }
    return chosen;
  }

  // The heap is to be locked before the channels, which are locked already: it may only be tried.
  // When that fails all are locked anew, in order, and looked at again.
  Selected lock_timers() {
    timers_ = &current_m()->p->timers;
    if (timers_->lock().try_lock()) return {};
    unlock();
    timers_->lock().lock();
    const Selected ready = lock_and_look();
    if (ready.index >= 0) timers_->lock().unlock();
    return ready;
  }

  // Runs after the switch: now the G may be found.
  void commit() {
    if (timeout_index_ < 0) {
      unlock();
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
  // The cases on channels, in the order of their locking (sort()); and, once it waits, the waiter
  // of each. Room that is not needed stays untouched.
  SelectCase* inline_[kInlineCases];
  std::unique_ptr<SelectCase*[]> many_;
  SelectCase** by_chan_ = inline_;
  std::size_t count_ = 0;
  bool alone_ = false;  // solo until it is parked: no channel is locked
  alignas(Waiter) std::byte inline_waiters_[kInlineCases * sizeof(Waiter)];
  std::unique_ptr<Waiter[]> many_waiters_;
  Waiter* waiters_ = nullptr;
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
