// runtime/sched/network.cc - where the scheduler meets the netpoller, and how the timekeeper
// sleeps.
//
// At most one of the Ms that sleep is the timekeeper: while a P is idle it wakes for the next timer
// and for the next event of a descriptor, and takes that P. While no P is idle nobody keeps the
// time: busy Ps look themselves, and sysmon looks when they do not.
//
// As soon as a netpoller exists the timekeeper sleeps in it, also while no goroutine waits for a
// descriptor: one may park on a P that is busy now, and its M would find the office taken.

#include <sched.h>

#include <algorithm>

#include "runtime/poll/netpoll.h"
#include "runtime/sched/futex.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace_event.h"

namespace gorun::runtime {
namespace {

// About as long as it takes to make a full batch of sends.
constexpr std::int64_t kLongestSendDelayNs = 300'000;
// Go's; sysmon's own pauses grow to as much.
constexpr std::int64_t kNeglectedNs = 10'000'000;

// The first half of waking `gp`; the second is to queue it.
void make_runnable(G* gp) {
  gp->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  note(TraceKind::kReady, gp);
}

}  // namespace

Netpoll* Sched::make_netpoll(int& error) {
  const std::lock_guard guard(lock);
  if (netpoll_owner == nullptr) {
    netpoll_owner = Netpoll::make(ps.capacity(), error);
    if (netpoll_owner == nullptr) return nullptr;
    netpoll.store(netpoll_owner.get(), std::memory_order_release);
    // Where it sleeps no event would reach it.
    if (timekeeper != nullptr) rouse(timekeeper);
  }
  return netpoll_owner.get();
}

void Sched::rouse(M* m) {
  m->wake_word.store(1, std::memory_order_release);  // pairs with the acquire of the sleeper
  if (m->polling.load(std::memory_order_relaxed)) {
    netpoll.load(std::memory_order_acquire)->break_wait();
  } else {
    futex_wake(m->wake_word);
  }
}

// Summed from what each P counts for itself, for one count would pass from cache to cache with
// every park. In this order: whoever was disarmed was armed before, maybe by another P.
std::int64_t Sched::armed_fds() const {
  std::uint64_t armed = 0;
  std::uint64_t less = disarmed.load(std::memory_order_acquire);
  for (const auto& pp : ps) less += pp->counters.disarmed.load(std::memory_order_acquire);
  for (const auto& pp : ps) armed += pp->counters.armed.load(std::memory_order_acquire);
  return static_cast<std::int64_t>(armed - less);
}

void Sched::inject(P* pp, GList& woken) {
  const std::uint64_t count = woken.size();
  if (count == 0) return;
  PCounters::bump(pp->counters.wakes, count);
  while (G* gp = woken.pop()) {
    make_runnable(gp);
    if (gp->locked) [[unlikely]] {
      ready_locked(gp);
    } else if (!pp->lrq.push(gp)) {
      overflow_lrq(pp, gp);
    }
  }
  PCounters::bump(pp->counters.disarmed, count);
  if (multi && pp->lrq.size() >= 2) wake();
}

void Sched::make_sends(P* pp) {
  if (pp->queued_sends.load(std::memory_order_relaxed) == 0) return;
  PCounters::bump(pp->counters.wakes, pp->sends->size());
  pp->sends->make_calls([&](const SendBatch::Call& call) {
    make_runnable(call.g);
    if (!pp->lrq.push(call.g)) overflow_lrq(pp, call.g);
  });
  pp->queued_sends.store(0, std::memory_order_relaxed);
  if (multi && pp->lrq.size() >= 2) wake_thief();
}

void Sched::make_sends_if_due(P* pp) {
  if (monotonic_ns() - pp->sends->since() >= kLongestSendDelayNs) make_sends(pp);
}

void Sched::push_global(GList& woken) {
  const std::uint64_t count = woken.size();
  while (G* gp = woken.pop()) {
    make_runnable(gp);
    grq.push(gp);
  }
  PCounters::bump(disarmed, count);
}

void Sched::poll_network(P* pp) {
  GList woken;
  const std::int64_t now = monotonic_ns();
  pp->cpu.store(sched_getcpu(), std::memory_order_relaxed);
  netpoll.load(std::memory_order_acquire)->poll(pp->id, now, woken);
  // A look with work at hand tells nothing.
  if (!pp->has_work())
    pp->briskness.looked(now, pp->tick.load(std::memory_order_relaxed), woken.size());
  inject(pp, woken);
  pp->round_end = pp->tick.load(std::memory_order_relaxed) + pp->lrq.size();
}

void Sched::poll_network_if_due(P* pp) {
  const auto left =
      static_cast<std::int32_t>(pp->round_end - pp->tick.load(std::memory_order_relaxed));
  if (netpoll.load(std::memory_order_acquire)->is_due(pp->id, left > 0)) poll_network(pp);
}

bool Sched::poll_neglected_network(std::int64_t now) {
  if (armed_fds() == 0) return false;
  Netpoll* poller = netpoll.load(std::memory_order_acquire);
  const std::int64_t last = poller->unseen_since();
  if (last == TimerHeap::kNever || now - last < kNeglectedNs) return false;
  bool found = false;
  {
    // All of it: nobody declares the end of the run while those that were woken are in no queue.
    const std::lock_guard guard(lock);
    GList woken;
    poller->poll(-1, now, woken);
    found = !woken.empty();
    push_global(woken);
  }
  if (found) wake();
  return found;
}

// Of all that sleeps an M is woken, or sysmon to start one.
bool Sched::wake_for_event() {
  if (stopping.load(std::memory_order_relaxed)) return false;
  if (armed_fds() == 0) return false;
  GList woken;
  netpoll.load(std::memory_order_acquire)->poll(-1, monotonic_ns(), woken);
  if (woken.empty()) return false;
  push_global(woken);
  if (M* m = take_asleep(false)) {
    m->next_p = take_idle(nullptr);
    rouse(m);
  } else if (sysmon_asleep) {
    wake_sysmon();
  }
  return true;
}

// `awake`: how many Ms beside those asleep are about to be.
bool Sched::needs_timekeeper(std::size_t awake) const {
  if (timekeeper != nullptr) return false;
  if (awaits_fds() || has_awaited_timer()) return true;
  // For those that wait aside while another M is still at work; the last one declares the end.
  return armed_fds() > 0 && asleep() + awake < ms.size();
}

// An M that was roused may still be in the netpoller when the next timekeeper is there already: the
// break stands until the last of those that it is for has left.
bool Sched::is_poller_roused() const {
  return std::any_of(ms.begin(), ms.end(), [](const auto& m) {
    return m->polling.load(std::memory_order_relaxed) &&
           m->wake_word.load(std::memory_order_acquire) != 0;
  });
}

void Sched::keep_time(M* m, std::unique_lock<std::mutex>& guard, GList& woken) {
  timekeeper = m;
  std::int64_t due = earliest_timer();
  timekeeper_until.store(due, std::memory_order_seq_cst);
  // Pairs with the fence in timer_added(): a timer added meanwhile either saw timekeeper_until, or
  // is seen here. Only ever earlier: who saw the first value relies on it.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (const std::int64_t again = earliest_timer(); again < due) {
    due = again;
    timekeeper_until.store(due, std::memory_order_seq_cst);
  }
  Netpoll* poller = netpoll.load(std::memory_order_relaxed);
  m->polling.store(poller != nullptr, std::memory_order_relaxed);
  guard.unlock();
  bool broken = false;
  if (poller == nullptr) {
    futex_wait(m->wake_word, 0, due);
  } else if (m->wake_word.load(std::memory_order_acquire) == 0) {
    broken = poller->wait(due, woken);
  }
  guard.lock();
  m->polling.store(false, std::memory_order_relaxed);
  if (broken && !is_poller_roused()) {
    // Whoever is roused between the look and the clearing is found by the second look.
    poller->clear_break();
    if (is_poller_roused()) poller->break_wait();
  }
  if (timekeeper == m) {
    timekeeper = nullptr;
    timekeeper_until.store(TimerHeap::kNever, std::memory_order_seq_cst);
  }
  if (m->next_p != nullptr) {
    wire(m, m->next_p);
  } else if (!woken.empty() || earliest_timer() <= monotonic_ns()) {
    if (P* pp = take_idle(m->old_p)) wire(m, pp);
  }
  if (m->p == nullptr && !woken.empty()) {
    // Every P is busy; the first that is not looks at the GRQ before it goes idle.
    push_global(woken);
  }
}

}  // namespace gorun::runtime
