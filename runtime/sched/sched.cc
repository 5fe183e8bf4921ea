// runtime/sched/sched.cc - Ms: finding work, stealing it, going to sleep and being woken.

#include "runtime/sched/sched.h"

#include <unistd.h>
#include <ctime>

#include <algorithm>
#include <utility>

#include "runtime/poll/netpoll.h"
#include "runtime/sched/coarse_clock.h"
#include "runtime/sched/goroutine.h"
#include "runtime/sched/pause.h"
#include "runtime/sched/trace_event.h"

namespace gorun::runtime {

Sched* sched = nullptr;

namespace {

// Long enough to catch the next submission of a busy program, short beside the 50 us that a parked
// M takes to run again.
constexpr std::int64_t kSpinNs = 50'000;
// A G in runnext is about to run where it is; taking it away is worth it only if its P is stuck.
constexpr std::int64_t kRunnextGraceNs = 3'000;
constexpr std::size_t kMaxGlobalBatch = kQueueCapacity / 2;
// A theft pays if what was stolen kept its thief busy for longer than this for each G, some ten
// cache lines that change sides at 50 to 100 ns each, twice, and the owner's slower pops; and than
// what it took to get a thief, should it have slept; and than a part of the time for which it
// looked: who looks for eight times as long as it works burns a core to spare another one a ninth.
// (A parked M takes 50 us to run, and what it steals first then runs on a cold core, for so long
// that it would often seem to have paid.)
constexpr std::int64_t kTheftCostNs = 1'000;
constexpr std::int64_t kThiefWakeNs = 50'000;
constexpr std::int64_t kHuntShare = 8;
// What a theft counts at most: eight in vain cost a thief all its credit, upon which it rests, and
// four that paid win it back.
constexpr std::int64_t kMostLossNs = kFullTheftCreditNs / 8;
constexpr std::int64_t kMostGainNs = kFullTheftCreditNs / 4;
// Thieves walk the Ps in strides, each its own way round. Primes beyond any number of Ps are
// coprime to it, whatever it is by now.
constexpr std::array<std::size_t, 8> kStrides{1031, 1033, 1039, 1049, 1051, 1061, 1063, 1069};

}  // namespace

std::int64_t monotonic_ns() {
  timespec ts{};
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<std::int64_t>(ts.tv_sec) * 1'000'000'000 + ts.tv_nsec;
}

void wire(M* m, P* pp) {
  m->p = pp;
  m->old_p = pp;
  m->set_mutex_key(pp->mutex_key);
  note(TraceKind::kTakeP, m, pp);
  pp->m.store(m, std::memory_order_release);  // pairs with sysmon's acquire
}

P* unwire(M* m) {
  P* pp = m->p;
  note(TraceKind::kDropP, m, pp);
  m->p = nullptr;
  m->set_mutex_key(kNobodysMutexKey);
  pp->m.store(nullptr, std::memory_order_release);
  return pp;
}

std::int64_t clock_ns() { return sched->mode.deterministic ? sched->virtual_now : monotonic_ns(); }

Sched::Sched(int first_procs, int most_procs, SchedMode how)
    : ps(static_cast<std::size_t>(most_procs)),
      procs(first_procs),
      multi(most_procs > 1),
      follows_cpus(how.procs_period_ns > 0),
      mode(how) {
  for (int i = 0; i < first_procs; ++i) ps.add();
  idle_ps.store(first_procs, std::memory_order_relaxed);
}

Sched::~Sched() = default;

// --- the global queue -------------------------------------------------------------------------

G* Sched::take_global(P* pp) {
  const std::lock_guard guard(lock);
  const auto running = static_cast<std::size_t>(procs.load(std::memory_order_relaxed));
  std::size_t batch = std::min({grq.size(), grq.size() / running + 1, kMaxGlobalBatch});
  G* first = grq.head();
  if (first == nullptr) return nullptr;
  if (first->locked) {
    pp->owes_locked = true;
    return nullptr;
  }
  grq.pop();
  while (--batch > 0) {
    // An LRQ that is not empty may lack the room: then the rest stays where it is.
    if (pp->lrq.size() >= kQueueCapacity || grq.head()->locked) break;
    static_cast<void>(pp->lrq.push(grq.pop()));  // there is room, and only the owner fills it
  }
  return first;
}

void Sched::submit_global(G* gp) {
  {
    const std::lock_guard guard(lock);
    grq.push(gp);
  }
  wake();
}

void Sched::submit_runnable(GList& gs) {
  {
    const std::lock_guard guard(lock);
    grq.append(gs);
  }
  wake();
}

void Sched::overflow_lrq(P* pp, G* gp) {
  std::array<G*, kQueueCapacity> half;
  const std::uint32_t count = pp->lrq.grab_half(half);
  {
    const std::lock_guard guard(lock);
    for (std::uint32_t i = 0; i < count; ++i) grq.push(half[i]);
    grq.push(gp);
  }
  if (multi) wake();
}

// --- idle Ps and Ms ----------------------------------------------------------------------------

void Sched::make_idle(P* pp) {
  pp->idle = true;
  busy_ps.store(busy_ps.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  if (is_surplus(pp)) {
    drain(pp);  // nobody is given it any more
    return;
  }
  idle_ps.store(idle_ps.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
}

P* Sched::take_idle(P* preferred) {
  if (stopping.load(std::memory_order_relaxed)) return nullptr;  // no M may be started any more
  P* pp = nullptr;
  if (preferred != nullptr && preferred->idle && !is_surplus(preferred)) {
    pp = preferred;
  } else {
    for (auto& candidate : ps) {
      if (candidate->idle && !is_surplus(candidate.get())) {
        pp = candidate.get();
        break;
      }
    }
  }
  if (pp == nullptr) return nullptr;
  pp->idle = false;
  ++idle_ps_taken;
  const int busy = busy_ps.load(std::memory_order_relaxed) + 1;
  busy_ps.store(busy, std::memory_order_relaxed);
  if (busy > 1) {
    ++joined;
    end_solo(pp);
  }
  idle_ps.store(idle_ps.load(std::memory_order_relaxed) - 1, std::memory_order_seq_cst);
  if (sysmon_asleep) wake_sysmon();
  return pp;
}

P* Sched::acquire_idle(P* preferred) {
  if (idle_ps.load(std::memory_order_seq_cst) == 0) return nullptr;
  const std::lock_guard guard(lock);
  return take_idle(preferred);
}

void Sched::wake() {
  // The caller published work; the fence orders that before the look at spinning and idle Ps, as a
  // give-up orders its own way round.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (idle_ps.load(std::memory_order_relaxed) == 0) return;
  int none = 0;
  if (spinning.load(std::memory_order_relaxed) != 0 ||
      !spinning.compare_exchange_strong(none, 1, std::memory_order_seq_cst)) {
    return;
  }
  Start start;
  {
    const std::lock_guard guard(lock);
    if (may_have_m()) {
      if (P* pp = take_idle(nullptr)) start = m_for(pp, true);
    }
    // Under the lock: who goes idle after this looks for work itself, also for what a submitter
    // left to this one.
    if (start.m == nullptr) spinning.fetch_sub(1, std::memory_order_seq_cst);
  }
  if (start.m != nullptr) launch(start);
}

void Sched::hand_off(P* pp) {
  handoffs.fetch_add(1, std::memory_order_relaxed);
  make_sends(pp);
  if (is_surplus(pp)) {
    shed(pp);
    return;
  }
  Start start;
  {
    const std::lock_guard guard(lock);
    const bool over = stopping.load(std::memory_order_relaxed);
    // Not called by an M that is asleep: the one that gives its P, or lost it, is awake.
    if (!over && may_have_m() && (pp->has_work() || grq.size() > 0 || needs_timekeeper(0))) {
      start = m_for(pp, false);
    } else {
      drain(
          pp);  // there is work only where no thread is to be had for it: whoever runs may take it
      make_idle(pp);
      check_over();
    }
  }
  if (start.m != nullptr) {
    launch(start);
    return;
  }
  // Pairs with the one in wake(): a submitter may have looked before this P was idle.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (any_work()) wake();
}

void Sched::timer_added(std::int64_t when) {
  // Between the heap's earliest, which the caller published, and the look at timekeeper_until;
  // pairs with the fence in keep_time(), which stands between the two the other way round.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (when >= timekeeper_until.load(std::memory_order_relaxed)) return;
  const std::lock_guard guard(lock);
  if (timekeeper == nullptr || when >= timekeeper_until.load(std::memory_order_relaxed)) return;
  rouse(timekeeper);
}

std::int64_t Sched::earliest_timer() const {
  std::int64_t earliest = TimerHeap::kNever;
  // From the last to the first: timers of surplus Ps move to P 0 while this looks, and would not be
  // seen at all the other way round.
  for (std::size_t i = ps.size(); i-- > 0;) earliest = std::min(earliest, ps[i]->timers.earliest());
  return earliest;
}

// A timer is waited for only while a goroutine lives: once all have ended, what is pending (an
// after() that lost its select, a function for later) is dropped with the run.
bool Sched::has_awaited_timer() const {
  if (earliest_timer() == TimerHeap::kNever) return false;
  // In this order, so that while Ms run the count errs upwards: who ended was spawned before.
  std::uint64_t ended = 0;
  std::uint64_t spawned = 1;  // the main goroutine
  for (const auto& pp : ps) ended += pp->counters.ended.load(std::memory_order_acquire);
  // Those that wait aside need no timer.
  ended += static_cast<std::uint64_t>(aside_fds.load(std::memory_order_seq_cst));
  for (const auto& pp : ps) spawned += pp->counters.spawned.load(std::memory_order_acquire);
  return spawned != ended;
}

std::size_t Sched::asleep() const {
  const std::size_t keepers = timekeeper == nullptr ? 0 : 1;
  return idle_m_count + keepers + locked_asleep + ended_m_count;
}

// Every M sleeps, and neither a timer nor a descriptor will wake one: nothing can ever run again.
void Sched::check_over() {
  if (asleep() < ms.size() || has_awaited_timer() || awaits_fds()) return;
  // A P that is not idle although every M sleeps is on its way: sysmon has retaken it, maybe with
  // work in it, and lost its core before it handed it on. Where it ends idle, this is asked again.
  if (busy_ps.load(std::memory_order_relaxed) > 0) return;
  // Who submitted it is about to wake an M; where a thread was refused, the run stays open for it.
  if (any_work()) return;
  if (timekeeper != nullptr) {  // what it sleeps for was stopped: let it look again
    rouse(timekeeper);
    return;
  }
  // For those that wait aside nobody has looked yet; what has come may wake all the others.
  if (wake_for_event()) return;
  stopping.store(true, std::memory_order_seq_cst);
  changed.notify_all();
}

// --- sleeping ---------------------------------------------------------------------------------

// As one that was woken for the work: spinning, so that another is woken for the rest.
void Sched::wire_for_work(M* m, P* pp) {
  wire(m, pp);
  if (!multi) return;
  m->spinning = true;
  spinning.fetch_add(1, std::memory_order_seq_cst);
}

// Sleeps until somebody hands over a P, or, as the timekeeper, until one is to be taken. False if
// the thread has been idle for so long that it is to end instead.
bool Sched::sleep_until_woken(M* m) {
  GList woken;
  {
    std::unique_lock guard(lock);
    while (m->p == nullptr && !stopping.load(std::memory_order_relaxed)) {
      m->wake_word.store(0, std::memory_order_relaxed);
      m->next_p = nullptr;
      const bool is_p_idle = idle_ps.load(std::memory_order_relaxed) > 0;
      if (is_p_idle && grq.size() > 0) {
        // Left to this one, or queued by it, before the P was idle: nobody else may be looking.
        wire_for_work(m, take_idle(m->old_p));
      } else if (is_p_idle && needs_timekeeper(1)) {
        keep_time(m, guard, woken);
      } else if (!idle(m, guard)) {
        return false;
      }
    }
  }
  if (m->p != nullptr) {
    await_soloist(m->p);
    inject(m->p, woken);
  }
  return true;
}

// --- finding work --------------------------------------------------------------------------------

bool Sched::any_work() const {
  if (grq.size() > 0) return true;
  return std::any_of(ps.begin(), ps.end(), [](const auto& pp) { return pp->has_work(); });
}

// Work that an M without any may take, which is not that of other Ps while thieves rest.
bool Sched::any_loot() const {
  if (grq.size() > 0) return true;
  return !thieves_rest.load(std::memory_order_relaxed) &&
         std::any_of(ps.begin(), ps.end(), [](const auto& pp) { return pp->has_loot(); });
}

void Sched::weigh_theft(M* m) {
  if (m->stole_at == 0) return;
  const std::int64_t now = monotonic_ns();
  const std::int64_t busy_ns = now - std::exchange(m->stole_at, 0);
  if (m->robbed != nullptr && busy_ns < FirstSpawn::kWorthNs) {
    m->robbed->robbed_in_vain.store(true, std::memory_order_relaxed);
  }
  const std::int64_t gain = busy_ns - std::exchange(m->theft_cost_ns, 0);
  m->theft_credit_ns += std::clamp(gain, -kMostLossNs, kMostGainNs);
  if (m->theft_credit_ns >= kFullTheftCreditNs) {
    m->theft_credit_ns = kFullTheftCreditNs;
    rest_ns.store(kShortestRestNs, std::memory_order_relaxed);
  }
  if (m->theft_credit_ns >= 0) return;
  m->theft_credit_ns = 0;  // after the rest one in vain is enough
  const std::int64_t rest = rest_ns.load(std::memory_order_relaxed);
  rest_until.store(now + rest, std::memory_order_relaxed);
  rest_ns.store(std::min(2 * rest, kLongestRestNs), std::memory_order_relaxed);
  thieves_rest.store(true, std::memory_order_relaxed);
}

G* Sched::steal_from(M* m, P* victim, bool last_pass) {
  m->loot = 1;
  m->robbed = nullptr;
  if (G* gp = victim->spawned.steal()) {
    if (victim->spawned.empty()) m->robbed = victim;
    return gp;
  }
  std::array<G*, kQueueCapacity> half;
  if (const std::uint32_t count = victim->lrq.grab_half(half); count > 0) {
    for (std::uint32_t i = 1; i < count; ++i) {
      // A timer fired meanwhile may have filled the thief's own LRQ.
      if (!m->p->lrq.push(half[i])) overflow_lrq(m->p, half[i]);
    }
    m->loot = count;
    return half[0];
  }
  if (!last_pass) return nullptr;
  // What its timers make ready is ready here.
  if (victim->timers.fire_due(clock_ns()) > 0) return pick_local(m->p);
  G* gp = victim->runnext.load(std::memory_order_acquire);
  if (gp == nullptr) return nullptr;
  const std::uint32_t tick = victim->tick.load(std::memory_order_relaxed);
  const std::int64_t until = monotonic_ns() + kRunnextGraceNs;
  while (monotonic_ns() < until) pause_cpu();
  if (victim->tick.load(std::memory_order_relaxed) != tick) return nullptr;
  // Should the slot hold the same G again by now, taking it is just as right.
  if (!victim->runnext.compare_exchange_strong(gp, nullptr, std::memory_order_acq_rel)) {
    return nullptr;
  }
  return gp;
}

G* Sched::steal_pass(M* m, bool last_pass) {
  const std::size_t count = ps.size();
  const std::size_t stride = kStrides[m->next_random() % kStrides.size()];
  std::size_t at = m->next_random() % count;
  for (std::size_t i = 0; i < count; ++i, at = (at + stride) % count) {
    P* victim = ps[at].get();
    if (victim == m->p) continue;
    if (G* gp = steal_from(m, victim, last_pass)) {
      PCounters::bump(m->p->counters.steals);
      m->stole_at = monotonic_ns();
      m->theft_cost_ns += kTheftCostNs * m->loot;
      note(TraceKind::kSteal, m, m->p, victim->id);
      return gp;
    }
  }
  return nullptr;
}

G* Sched::steal_for_yield(M* m) {
  if (busy_ps.load(std::memory_order_relaxed) <= 1) return nullptr;
  weigh_theft(m);
  if (thieves_rest.load(std::memory_order_relaxed)) return nullptr;
  G* gp = steal_pass(m, false);
  // As stop_spinning() does: who looked everywhere before it gave up has not seen what was on its
  // way from one P to this one.
  if (gp != nullptr && any_loot()) wake();
  return gp;
}

G* Sched::spin_for_work(M* m) {
  if (!m->spinning) {
    m->spinning = true;
    spinning.fetch_add(1, std::memory_order_seq_cst);
  }
  const std::int64_t since = monotonic_ns();
  const std::int64_t until = since + kSpinNs;
  do {
    if (G* gp = steal_pass(m, false)) {
      m->theft_cost_ns += (m->stole_at - since) / kHuntShare;
      return gp;
    }
    if (grq.size() > 0) {
      if (G* gp = take_global(m->p)) return gp;
    }
    if (awaits_fds()) {
      poll_network(m->p);
      if (G* gp = pick_local(m->p)) return gp;
    }
    if (stopping.load(std::memory_order_relaxed)) return nullptr;
    for (int i = 0; i < 32; ++i) pause_cpu();
  } while (monotonic_ns() < until);
  m->theft_cost_ns += kSpinNs / kHuntShare;  // also if that was for nothing
  if (G* gp = steal_pass(m, true)) return gp;
  return pick_local(m->p);  // a timer of another P may have made one ready here
}

// A spinning M found work: somebody else must look for what is left.
void Sched::stop_spinning(M* m) {
  m->spinning = false;
  spinning.fetch_sub(1, std::memory_order_seq_cst);
  // Pairs with the one in wake(): whoever saw this M spinning left its G to the look that follows.
  // An exchange is no fence on aarch64: later loads may overtake its store.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (any_loot()) wake();
}

// Gives the P up, and takes one again if work appeared meanwhile.
void Sched::give_up(M* m) {
  P* pp = m->p;
  {
    const std::lock_guard guard(lock);
    if (grq.size() > 0) return;
    unwire(m);
    make_idle(pp);
  }
  if (m->spinning) {
    m->spinning = false;
    spinning.fetch_sub(1, std::memory_order_seq_cst);
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the one in wake()
  if (!any_loot()) return;
  if (P* again = acquire_idle(pp)) wire_for_work(m, again);
}

G* Sched::find_runnable(M* m) {
  for (;;) {
    if (stopping.load(std::memory_order_relaxed)) return nullptr;
    if (m->locked_g != nullptr) return run_locked(m);
    if (m->is_doomed) {
      end_locked(m);
      return nullptr;
    }
    if (m->p == nullptr) {
      if (!sleep_until_woken(m)) return nullptr;
      coarse_clock.set(clock_ns());  // sysmon slept as well, and may not run for a while
      if (m->spinning) m->theft_cost_ns += kThiefWakeNs;
      continue;
    }
    P* pp = m->p;
    await_soloist(pp);
    if (is_surplus(pp)) [[unlikely]] {
      make_sends(pp);
      shed_own(m);
      continue;
    }
    if (std::exchange(pp->owes_locked, false) && hand_to_locked(m)) continue;
    fire_timers(pp);
    G* gp = pick_local(pp);
    if (gp == nullptr && pp->has_work()) {
      make_sends(pp);
      gp = pick_local(pp);
    }
    if (gp == nullptr && grq.size() > 0) gp = take_global(pp);
    if (gp == nullptr && awaits_fds()) {
      poll_network(pp);
      gp = pick_local(pp);
    }
    if (gp == nullptr && pp->owes_locked) continue;
    const int busy = busy_ps.load(std::memory_order_relaxed);
    if (gp == nullptr && (busy > 1 || procs.load(std::memory_order_relaxed) > 1)) {
      weigh_theft(m);
      if (!thieves_rest.load(std::memory_order_relaxed) &&
          (m->spinning || 2 * spinning.load(std::memory_order_relaxed) < busy)) {
        gp = spin_for_work(m);
      }
    }
    if (gp != nullptr) {
      if (m->stole_at == 0) m->theft_cost_ns = 0;  // it came for something else
      if (m->spinning) stop_spinning(m);
      return gp;
    }
    // Timers of idle Ps have no owner: the last look before giving up covers them.
    const std::int64_t due = earliest_timer();
    if (mode.deterministic && has_awaited_timer()) {
      virtual_now = std::max(virtual_now, due);
      coarse_clock.set(virtual_now);
    }
    if (due != TimerHeap::kNever && due <= clock_ns()) {
      const std::int64_t now = clock_ns();
      for (auto& other : ps) other->timers.fire_due(now);
      continue;
    }
    give_up(m);
  }
}

// --- the run -------------------------------------------------------------------------------------

void Sched::run(G* gp) {
  starter = gettid();
  Start first;
  coarse_clock.set(clock_ns());
  {
    const std::lock_guard guard(lock);
    grq.push(gp);
    first = m_for(take_idle(nullptr), false);
  }
  // Before any M, which might take the last thread that the process may have. For the same reason
  // it waits until the first M has its own: it would start another one for the goroutine above.
  sysmon_word.store(0, std::memory_order_relaxed);
  std::thread monitor = start_sysmon();
  launch_first(first);
  {
    std::unique_lock guard(lock);
    wake_sysmon();
    changed.wait(guard, [this] { return stopping.load(std::memory_order_relaxed); });
    for (auto& m : ms) {
      if (m->has_thread) rouse(m.get());
    }
    wake_sysmon();
  }
  monitor.join();  // first: it may be busy with starting the last M
  join_threads();
}

}  // namespace gorun::runtime
