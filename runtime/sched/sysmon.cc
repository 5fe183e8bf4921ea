// runtime/sched/sysmon.cc - the thread that runs no goroutine and keeps the others honest.
//
// It retakes the P of an M that is in a blocking call or that computes for long in user code, when
// work waits for that P (the handshake is in m.h), and it looks after work that nobody was woken
// for: a G kept in runnext or among the spawned for a whole tick, a timer that is due while a P
// idles.
//
// It also prints the lines of GORUN_SCHEDTRACE, and lets the number of Ps follow the processors.
//
// It looks every 20 us while that pays, ever more rarely (1 ms) while it does not, and not at all
// while every P is idle.

#include <linux/membarrier.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "runtime/sched/coarse_clock.h"
#include "runtime/sched/futex.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/sched_trace.h"

namespace gorun::runtime {
namespace {

constexpr std::int64_t kShortestNs = 20'000;
// A goroutine is noticed to compute this much too late, at most; a thousand looks a second cost
// some 0.2 % of a core, and none while every P is idle.
constexpr std::int64_t kLongestNs = 1'000'000;
constexpr int kEagerRounds = 50;  // fruitless rounds before the pauses grow
// A goroutine may compute this long while others wait for its P.
constexpr std::int64_t kTimeSliceNs = 10'000'000;
constexpr std::int64_t kTickNs = 20'000;  // the same for a blocking call

long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

// Without it (Linux before 4.14, or a filter) only marked blocking calls lose their P: they pass a
// full fence themselves.
bool register_membarrier() { return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0; }

}  // namespace

void Sched::wake_sysmon() {
  sysmon_asleep = false;
  sysmon_word.store(1, std::memory_order_release);
  futex_wake(sysmon_word);
}

bool Sched::is_due(P* pp, M* m, std::int64_t now) const {
  const std::uint32_t tick = pp->tick.load(std::memory_order_relaxed);
  if (tick != pp->seen_tick) {
    pp->seen_tick = tick;
    pp->seen_since = now;
    return false;
  }
  if (m->in_rt.load(std::memory_order_relaxed) != 0) return false;
  // A timer that is due is work as well: its P's owner is the one who should look.
  const bool work_waits =
      pp->has_work() || grq.size() > 0 || pp->timers.earliest() <= now || is_surplus(pp);
  const std::int64_t for_ns = now - pp->seen_since;
  if (!m->blocking.load(std::memory_order_relaxed)) return work_waits && for_ns >= kTimeSliceNs;
  if (for_ns < kTickNs) return false;
  // Nobody idles or looks for work: this P may be the only one that could run what comes next.
  return work_waits || for_ns >= kTimeSliceNs ||
         idle_ps.load(std::memory_order_relaxed) + spinning.load(std::memory_order_relaxed) == 0;
}

// One round of the handshake over all Ms that are due, with one membarrier for all of them.
bool Sched::retake(std::int64_t now) {
  static const bool have_membarrier = register_membarrier();
  std::unique_lock decision(retake_lock);
  std::vector<M*> due;
  for (auto& pp : ps) {
    M* m = pp->m.load(std::memory_order_acquire);  // pairs with wire()
    if (m == nullptr || !is_due(pp.get(), m, now)) continue;
    if (!have_membarrier && !m->blocking.load(std::memory_order_relaxed)) continue;
    m->steal.store(M::kSteal, std::memory_order_seq_cst);
    due.push_back(m);
  }
  if (due.empty()) return false;
  if (have_membarrier) {
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  } else {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  std::vector<P*> taken;
  for (M* m : due) {
    // Acquire: what the M did to its P before it left the runtime is ours to pass on.
    if (m->in_rt.load(std::memory_order_seq_cst) == 0 && m->p != nullptr) {
      taken.push_back(unwire(m));  // steal stays 1: the M finds out when it comes back
    } else {
      m->steal.store(m->steal_at_rest, std::memory_order_seq_cst);
    }
  }
  decision.unlock();
  retakes.fetch_add(taken.size(), std::memory_order_relaxed);
  for (P* pp : taken) hand_off(pp);
  return !taken.empty();
}

// Needs no membarrier: an M that is out of the runtime and marked comes back through a full fence.
P* Sched::take_from_blocked(P* wanted) {
  if (wanted == nullptr) return nullptr;
  const std::lock_guard decision(retake_lock);
  M* m = wanted->m.load(std::memory_order_acquire);  // pairs with wire()
  if (m == nullptr || !m->blocking.load(std::memory_order_relaxed)) return nullptr;
  m->steal.store(M::kSteal, std::memory_order_seq_cst);
  // The mark after in_rt: an M that left the runtime otherwise has taken it off before.
  if (m->in_rt.load(std::memory_order_seq_cst) == 0 &&
      m->blocking.load(std::memory_order_relaxed) && m->p == wanted) {
    retakes.fetch_add(1, std::memory_order_relaxed);
    return unwire(m);
  }
  m->steal.store(m->steal_at_rest, std::memory_order_seq_cst);
  return nullptr;
}

bool Sched::look_after_waiting_work(std::int64_t now) {
  const bool idle = idle_ps.load(std::memory_order_relaxed) > 0;
  bool waiting = idle && grq.size() > 0;
  for (auto& pp : ps) {
    const std::uint32_t oldest = pp->spawned.oldest();
    const bool stuck =
        pp->tick.load(std::memory_order_relaxed) == pp->seen_tick && pp->seen_since != now;
    if (pp->spawned.empty() || oldest != pp->seen_oldest) {
      pp->seen_oldest = oldest;
      pp->seen_oldest_since = now;
    } else if (now - pp->seen_oldest_since >= kTimeSliceNs) {
      // The owner runs newer ones first, which must not mean never. Not more often, either: the
      // oldest is the root of a tree that is then open beside the others.
      pp->poke.store(true, std::memory_order_relaxed);
    }
    if (idle && stuck && pp->has_work()) {
      waiting = true;
      thieves_rest.store(false, std::memory_order_relaxed);
    }
    if (pp->timers.earliest() <= now) {
      pp->poke.store(true, std::memory_order_relaxed);
      if (idle) waiting = true;
    }
  }
  if (thieves_rest.load(std::memory_order_relaxed) &&
      now >= rest_until.load(std::memory_order_relaxed)) {
    thieves_rest.store(false, std::memory_order_relaxed);
    if (idle && any_work()) wake();
  }
  if (waiting) wake();
  return waiting;
}

void Sched::sysmon_main() {
  if (mode.deterministic) return;    // its decisions depend on the clock
  prctl(PR_SET_TIMERSLACK, 1000UL);  // a 20 us sleep takes 120 us with the default slack
  std::int64_t pause_ns = kShortestNs;
  int fruitless = 0;
  SchedTrace lines(mode.sched_trace_ns, monotonic_ns());
  while (!stopping.load(std::memory_order_acquire)) {
    const std::int64_t before = monotonic_ns();
    futex_wait(sysmon_word, 0, before + lines.shorten(pause_ns, before));
    sysmon_word.store(0, std::memory_order_relaxed);
    if (pause_ns == kLongestNs && !lines.is_on()) {
      std::unique_lock guard(lock);
      if (!stopping.load(std::memory_order_relaxed) &&
          busy_ps.load(std::memory_order_relaxed) == 0) {
        sysmon_asleep = true;
        sysmon_word.store(0, std::memory_order_relaxed);
        guard.unlock();
        futex_wait(sysmon_word, 0);
        sysmon_word.store(0, std::memory_order_relaxed);
        pause_ns = kShortestNs;
        fruitless = 0;
        continue;
      }
    }
    const std::int64_t now = monotonic_ns();
    coarse_clock.set(now);
    lines.print_if_due(*this, now);
    follow_cpus(now);
    look_after_surplus();
    const bool retook = retake(now);
    const bool polled = poll_neglected_network(now);
    if (look_after_waiting_work(now) || retook || polled) {
      pause_ns = kShortestNs;
      fruitless = 0;
    } else if (++fruitless > kEagerRounds) {
      pause_ns = std::min(2 * pause_ns, kLongestNs);
    }
  }
}

}  // namespace gorun::runtime
