// runtime/sched/sysmon.cc - the thread that runs no goroutine and keeps the others honest.
//
// It retakes the P of an M that is in a blocking call or that computes for long in user code, when
// work waits for that P (the handshake is in m.h), and it looks after work that nobody was woken
// for: a G kept in runnext or among the spawned for a whole tick, or in the GRQ since a
// thread was refused; a timer that is due while a P idles.
//
// It also prints the lines of GORUN_SCHEDTRACE, and lets the number of Ps follow the processors.
//
// It looks every 20 us while that pays, ever more rarely (1 ms) while it does not, as also while
// threads are refused and none sleeps: what it finds then has to wait. And not at all while every P
// is idle, unless a refused thread is missing: for work, or as the timekeeper. But where Ps idle
// and run in turns, thousands of times a second (commands, requests), it dozes through that: to be
// woken for each turn costs those whom it serves more than all of its looks.

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "runtime/fatal.h"
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
// A doze; it ends by itself. What begins meanwhile is noticed that much later.
constexpr std::int64_t kDozeNs = 2'000'000;
// Dozes without a turn, before it sleeps until it is woken.
constexpr int kQuietDozes = 4;
// Work that waits for so long behind one goroutine ends the rest of thieves.
constexpr std::int64_t kLongWaitNs = 1'000'000;
constexpr int kEagerRounds = 50;  // fruitless rounds before the pauses grow
// After so long a sleep it is eager again. Not after each: where all Ps idle and one does not in
// turns (commands, requests) it would always be, and take from them more than they cost.
constexpr std::int64_t kRestedNs = 20 * kEagerRounds * kShortestNs;

}  // namespace

void Sched::wake_sysmon() {
  sysmon_asleep = false;
  sysmon_word.store(1, std::memory_order_release);
  futex_wake(sysmon_word);
}

bool Sched::look_after_waiting_work(std::int64_t now) {
  const bool idle = idle_ps.load(std::memory_order_relaxed) > 0;
  const bool rests = thieves_rest.load(std::memory_order_relaxed);
  bool is_rest_over = now >= rest_until.load(std::memory_order_relaxed);
  bool waiting = idle && grq.size() > 0;
  for (auto& pp : ps) {
    const std::uint32_t oldest = pp->spawned.oldest();
    const bool stuck =
        pp->tick.load(std::memory_order_relaxed) == pp->seen_tick && pp->seen_since < now;
    if (pp->spawned.empty() || oldest != pp->seen_oldest) {
      pp->seen_oldest = oldest;
      pp->seen_oldest_since = now;
    } else if (now - pp->seen_oldest_since >= kTimeSliceNs) {
      // The owner runs newer ones first, which must not mean never. Not more often, either: the
      // oldest is the root of a tree that is then open beside the others.
      pp->poke.store(true, std::memory_order_relaxed);
    }
    if (idle && stuck && pp->has_loot()) {
      if (!rests) {
        waiting = true;
      } else if (now - pp->seen_since >= kLongWaitNs) {
        is_rest_over = true;
      }
    }
    if (pp->timers.earliest() <= now) {
      pp->poke.store(true, std::memory_order_relaxed);
      if (idle) waiting = true;
    }
  }
  if (rests && is_rest_over) {  // not a look that paid: the next theft may be in vain as well
    thieves_rest.store(false, std::memory_order_relaxed);
    if (idle && any_work()) wake();
  }
  if (waiting) wake();
  return waiting;
}

std::thread Sched::start_sysmon() {
  try {
    return std::thread([this] { sysmon_main(); });
  } catch (const std::system_error& error) {
    fatal("sched: cannot start a thread: %s", strerrordesc_np(error.code().value()));
  }
}

void Sched::sysmon_main() {
  if (mode.deterministic) return;    // its decisions depend on the clock
  prctl(PR_SET_TIMERSLACK, 1000UL);  // a 20 us sleep takes 120 us with the default slack
  futex_wait(sysmon_word, 0);        // for run()
  // Acquire: pairs with wake_sysmon(). What it overwrites may be the news of the end.
  static_cast<void>(sysmon_word.exchange(0, std::memory_order_acquire));
  std::int64_t pause_ns = kShortestNs;
  int fruitless = 0;
  bool dozes = false;
  int quiet = 0;                 // dozes in which no P was taken
  std::uint64_t seen_taken = 0;  // idle_ps_taken, then
  SchedTrace lines(mode.sched_trace_ns, monotonic_ns());
  while (!stopping.load(std::memory_order_acquire)) {
    const std::int64_t before = monotonic_ns();
    futex_wait(sysmon_word, 0, before + lines.shorten(dozes ? kDozeNs : pause_ns, before));
    sysmon_word.store(0, std::memory_order_relaxed);
    dozes = false;
    if (pause_ns == kLongestNs && !lines.is_on()) {
      std::unique_lock guard(lock);
      quiet = seen_taken == idle_ps_taken ? quiet + 1 : 0;
      seen_taken = idle_ps_taken;
      if (!stopping.load(std::memory_order_relaxed) &&
          busy_ps.load(std::memory_order_relaxed) == 0 && !any_work() && !needs_timekeeper(0)) {
        if (quiet < kQuietDozes) {
          dozes = true;
          continue;
        }
        sysmon_asleep = true;
        sysmon_word.store(0, std::memory_order_relaxed);
        guard.unlock();
        futex_wait(sysmon_word, 0);
        sysmon_word.store(0, std::memory_order_relaxed);
        if (monotonic_ns() - before >= kRestedNs) {
          pause_ns = kShortestNs;
          fruitless = 0;
        }
        continue;
      }
    }
    const std::int64_t now = monotonic_ns();
    coarse_clock.set(now);
    lines.print_if_due(*this, now);
    follow_cpus(now);
    look_after_surplus();
    begin_solo(now);
    const bool retook = retake(now);
    const bool polled = poll_neglected_network(now);
    const bool paid = look_after_waiting_work(now) || retook || polled;
    if (paid && !are_threads_refused()) {
      pause_ns = kShortestNs;
      fruitless = 0;
    } else if (++fruitless > kEagerRounds) {
      pause_ns = std::min(2 * pause_ns, kLongestNs);
    }
  }
}

}  // namespace gorun::runtime
