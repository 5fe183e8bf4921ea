// runtime/poll/poll_desc.cc - the wait protocol of poll_desc.h, and the pool.

#include "runtime/poll/poll_desc.h"

#include <sched.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <vector>

#include "runtime/poll/attempt.h"
#include "runtime/poll/netpoll.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

constexpr std::uintptr_t kNil = PollDesc::kNil;
constexpr std::uintptr_t kReady = PollDesc::kReady;
constexpr std::uintptr_t kWait = PollDesc::kWait;

class PollDescPool {
 public:
  static PollDescPool& instance() {
    // Never destroyed, as GPool: a late event may still look at a block.
    alignas(PollDescPool) static std::byte storage[sizeof(PollDescPool)];
    static PollDescPool* const pool = new (storage) PollDescPool;
    return *pool;
  }

  PollDesc* take() {
    const std::lock_guard guard(mutex_);
    if (free_ == nullptr) {
      auto* slab = new PollDesc[kSlab];
      slabs_.push_back(slab);
      for (std::size_t i = 0; i < kSlab; ++i) {
        slab[i].next_free = free_;
        free_ = &slab[i];
      }
    }
    PollDesc* pd = free_;
    free_ = pd->next_free;
    return pd;
  }

  void give(PollDesc* pd) {
    pd->sequence.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard guard(mutex_);
    pd->next_free = free_;
    free_ = pd;
  }

 private:
  static constexpr std::size_t kSlab = 32;  // blocks a slab: 8 KiB

  std::mutex mutex_;
  PollDesc* free_ = nullptr;      // guarded by mutex_
  std::vector<PollDesc*> slabs_;  // guarded by mutex_; keeps them reachable
};

// Runs on the next context, once the waiter's registers are saved.
void commit_wait(G* gp, void* side_of) {
  auto* side = static_cast<PollDesc::Side*>(side_of);
  if (gp->reason.load(std::memory_order_relaxed) == WaitReason::kOutside) {
    sched->aside_fds.fetch_add(1, std::memory_order_seq_cst);  // first: never more than are armed
  }
  PCounters& counters = current_m()->p->counters;
  PCounters::bump(counters.armed);
  std::uintptr_t expected = kWait;
  // Release: what the goroutine did is seen by its waker.
  if (!side->word.compare_exchange_strong(expected, reinterpret_cast<std::uintptr_t>(gp),
                                          std::memory_order_acq_rel)) {
    PCounters::bump(counters.disarmed);
    ready(gp);  // unblocked between announcement and commit
  }
}

// On a goroutine or g0 that owns a P.
void wake_waiter(PollDesc::Side& side) {
  if (G* gp = unblock(side, false)) {
    ready(gp);
    PCounters::bump(current_m()->p->counters.disarmed);
  }
}

// Now and then: lets the descriptor live where its packets come in. With the turn of reading.
void settle(PollDesc* pd) {
  const bool jitter = sched->mode.jitter != 0;
  if (pd->input_queue != InputQueue::kTold && !jitter) return;  // no TCP
  if (--pd->until_settle > 0 && !jitter) return;
  pd->is_served.store(true, std::memory_order_relaxed);
  M* const m = current_m();
  Netpoll& netpoll = *sched->netpoll.load(std::memory_order_relaxed);
  const std::uint64_t random = m->next_random();
  if (jitter) [[unlikely]] {  // anywhere, all the time
    pd->until_settle = 1;
    return netpoll.move(pd, sched->ps[random % sched->ps.size()]->id);
  }
  pd->until_settle = static_cast<std::uint8_t>(24 + random % 16);
  if (!sched->multi) return;
  // Where a P idles, two of them sharing a descriptor is the lesser evil.
  if (sched->idle_ps.load(std::memory_order_relaxed) > 0) return;
  const int cpu = attempt::incoming_cpu(pd->fd);
  if (cpu < 0) return;
  int home = m->p->id;
  if (cpu != sched_getcpu()) {
    home = -1;
    for (auto& pp : sched->ps) {
      if (pp.get() != m->p && !sched->is_surplus(pp.get()) &&
          pp->cpu.load(std::memory_order_relaxed) == cpu)
        home = pp->id;
    }
  }
  if (home >= 0 && home != netpoll.home_of(*pd)) netpoll.move(pd, home);
}

}  // namespace

G* unblock(PollDesc::Side& side, bool event) {
  std::uintptr_t word = side.word.load(std::memory_order_seq_cst);
  for (;;) {
    if (word == kReady || (word == kNil && !event)) return nullptr;
    if (side.word.compare_exchange_weak(word, event ? kReady : kNil, std::memory_order_seq_cst)) {
      break;
    }
  }
  return word > kWait ? reinterpret_cast<G*>(word) : nullptr;
}

PollDesc* PollDesc::acquire(int fd, FdKind kind) {
  PollDesc* pd = PollDescPool::instance().take();
  pd->lock.reset();
  pd->fd = fd;
  pd->kind = kind;
  pd->nowait_reads.store(true, std::memory_order_relaxed);
  pd->input_queue = InputQueue::kNotAsked;
  pd->drained = false;
  pd->until_settle = kFirstSettle;
  pd->is_served.store(false, std::memory_order_relaxed);
  pd->home = {};
  pd->registered_in.store(0, std::memory_order_relaxed);
  pd->unpollable.store(false, std::memory_order_relaxed);
  pd->owners.store(2, std::memory_order_relaxed);
  for (Side& side : pd->sides) {
    side.word.store(kNil, std::memory_order_relaxed);
    side.deadline.store(TimerHeap::kNever, std::memory_order_relaxed);
  }
  return pd;
}

void PollDesc::disown() {
  if (owners.fetch_sub(1, std::memory_order_acq_rel) == 1) PollDescPool::instance().give(this);
}

bool PollDesc::is_past(std::int64_t deadline) {
  return deadline != TimerHeap::kNever && deadline <= clock_ns();
}

PollResult PollDesc::wait(PollMode mode, WaitReason reason) {
  const RtSection rt;
  if (const int error = watch_fd(this); error != 0) return {PollStatus::kFailed, error};
  if (unpollable.load(std::memory_order_relaxed)) return {PollStatus::kUnpollable, 0};
  if (mode == PollMode::kRead && kind == FdKind::kSocket && input_queue == InputQueue::kNotAsked) {
    input_queue = attempt::ask_for_input_queue(fd) ? InputQueue::kTold : InputQueue::kUntold;
  }
  if (mode == PollMode::kRead) settle(this);
  Side& s = side(mode);
  std::uintptr_t word = kNil;
  if (!s.word.compare_exchange_strong(word, kWait, std::memory_order_seq_cst)) {
    s.word.store(kNil, std::memory_order_relaxed);  // it was kReady
    return {};
  }
  const std::int64_t deadline = s.deadline.load(std::memory_order_seq_cst);
  TimerEvent timer;
  if (!lock.is_closed() && !is_past(deadline)) {
    if (deadline != TimerHeap::kNever) {
      timer.when = deadline;
      timer.fire = [](void* arg) { wake_waiter(*static_cast<Side*>(arg)); };
      timer.arg = &s;
      if (current_m()->p->timers.insert(&timer)) sched->timer_added(deadline);
    }
    park(reason, commit_wait, &s);
    if (reason == WaitReason::kOutside) sched->aside_fds.fetch_sub(1, std::memory_order_seq_cst);
    TimerHeap::stop(&timer);
  }
  // Not kNil if nothing was parked, or if an event replaced the G.
  s.word.exchange(kNil, std::memory_order_seq_cst);
  if (lock.is_closed()) return {PollStatus::kClosed, 0};
  // The deadline may be another one by now.
  if (is_past(s.deadline.load(std::memory_order_seq_cst))) return {PollStatus::kTimedOut, 0};
  return {};
}

void PollDesc::set_deadline(PollMode mode, std::int64_t when) {
  const RtSection rt;
  Side& s = side(mode);
  s.deadline.store(when, std::memory_order_seq_cst);
  wake_waiter(s);
}

void PollDesc::evict() {
  const RtSection rt;
  for (Side& s : sides) wake_waiter(s);
}

}  // namespace gorun::runtime
