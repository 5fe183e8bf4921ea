// runtime/sched/goroutine.cc - spawning, switching between and ending goroutines.
//
// The common switch goes straight from one G to the next, without a visit to g0: the G that leaves
// picks its successor from its own P, names a commit, and switches; whoever arrives runs the commit
// (finish_switch) before anything else. Only when the P has nothing to run does the M go to g0, to
// look further (sched.cc).
//
// A G that ends leaves its stack, hot, to the next G if that has none yet, and runs it at once: a
// burst of short goroutines runs on one stack without a single switch.

#include "runtime/sched/goroutine.h"

#include <cxxabi.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "runtime/arch/context.h"
#include "runtime/fatal.h"
#include "runtime/sched/coarse_clock.h"
#include "runtime/sched/g_list.h"
#include "runtime/sched/p_caches.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace_event.h"
#include "runtime/spawn.h"
#include "runtime/timer.h"

namespace gorun::runtime {
namespace {

constexpr std::uint32_t kRunnextStreak = 3;   // hand-offs in a row before the others get a turn
constexpr std::uint32_t kSlowPickEvery = 61;  // Go's; prime, so that it keeps step with nothing
constexpr std::uint32_t kReadyCredit = 16;    // ready Gs run in a row while spawned ones wait
constexpr std::uint32_t kTimedPickEvery = 8;  // the same while timers are pending: a clock read

// --- switching ------------------------------------------------------------------------------

void bind_stack(P* pp, G* gp) {
  arch::Stack* stack = take_stack(pp, gp->stack_class);
  stack->sanitizer.recycle();
  gp->stack = stack;
  gp->context = arch::make_context(stack->entry_top);
}

// First thing on every stack that was switched to. Field by field: one wide load of what was stored
// in pieces a moment ago waits for the stores to retire.
[[gnu::always_inline]] inline void finish_switch(M* m) {
  const auto run = m->commit.run;
  if (run == nullptr) return;
  m->commit.run = nullptr;
  run(m->commit.gp, m->commit.arg);
}

// The exception state belongs to the goroutine: a G that parks inside a catch block must find its
// own exception again, on whatever thread. Nearly always there is none.
[[gnu::always_inline]] inline void save_exceptions(M* m, G* gp) {
  ExceptionState* mine = m->exceptions;
  if (mine->caught != nullptr || mine->uncaught != 0) [[unlikely]] {
    gp->exceptions = std::exchange(*mine, {});
    gp->has_exceptions = true;
  }
}

[[gnu::always_inline]] inline void restore_exceptions(M* m, G* gp) {
  if (gp->has_exceptions) [[unlikely]] {
    *m->exceptions = std::exchange(gp->exceptions, {});
    gp->has_exceptions = false;
  }
}

// Makes `next` the G of this M, with a stack under it.
[[gnu::always_inline]] inline void adopt(M* m, G* next) {
  if (next->context == nullptr) bind_stack(m->p, next);
  m->g = next;
  note(TraceKind::kRun, next);
  next->status.store(GStatus::kRunning, std::memory_order_relaxed);
  restore_exceptions(m, next);
}

// What the arriving side does; the M is read anew, as it is another one more often than not.
[[gnu::always_inline]] inline void arrive(G* self) {
  self->stack->sanitizer.arrived();
  finish_switch(current_m());
}

[[gnu::always_inline]] inline void switch_to_g(M* m, G* self, G* next) {
  save_exceptions(m, self);
  adopt(m, next);
  arch::SanitizerStack::leave(self->stack->sanitizer, next->stack->sanitizer);
  gorun_context_switch(&self->context, next->context);
  arrive(self);
}

}  // namespace

void switch_to_g0(M* m, void (*commit)(G*, void*), void* arg) {
  G* self = m->g;
  m->commit = {commit, self, arg};
  save_exceptions(m, self);
  m->g = nullptr;
  arch::SanitizerStack::leave(self->stack->sanitizer, m->g0_stack);
  gorun_context_switch(&self->context, m->g0_context);
  arrive(self);
}

void run_from_g0(M* m, G* gp) {
  adopt(m, gp);
  arch::SanitizerStack::leave(m->g0_stack, gp->stack->sanitizer);
  gorun_context_switch(&m->g0_context, gp->context);
  m->g0_stack.arrived();
  finish_switch(m);  // a thread's g0 stays on its thread
}

// --- picking --------------------------------------------------------------------------------

namespace {

// Every so often: what starves would otherwise be the GRQ and the oldest spawned G.
G* pick_slow(P* pp) {
  if (pp->queued_sends.load(std::memory_order_relaxed) != 0) sched->make_sends_if_due(pp);
  if (sched->awaits_fds()) sched->poll_network_if_due(pp);
  if (pp->poke.exchange(false, std::memory_order_relaxed)) {
    if (G* gp = pp->spawned.steal()) return gp;
  }
  if (sched->grq.size() > 0) {
    const std::lock_guard lock(sched->lock);
    const G* oldest = sched->grq.head();
    if (oldest == nullptr || !oldest->locked) return sched->grq.pop();
    pp->owes_locked = true;
  }
  return nullptr;
}

[[gnu::always_inline]] inline G* take_runnext(P* pp) {
  G* gp = pp->runnext.load(std::memory_order_relaxed);
  if (gp == nullptr) return nullptr;
  if (solo()) {
    pp->runnext.store(nullptr, std::memory_order_relaxed);
    return gp;
  }
  // A thief may be first; it only ever stores null.
  return pp->runnext.exchange(nullptr, std::memory_order_acquire);
}

[[gnu::always_inline]] inline void push_lrq(P* pp, G* gp) {
  if (!pp->lrq.push(gp)) [[unlikely]]
    sched->overflow_lrq(pp, gp);
}

// With many Gs in turn neither they nor their stacks are in the nearest cache any more when their
// turn comes: what the switches after the next will read is fetched now. A G that a thief took
// meanwhile is fetched in vain, no more: the blocks of Gs are never unmapped.
[[gnu::always_inline]] inline void warm_up(P* pp) {
  if (arch::kThreadSanitizer) return;
  constexpr std::uintptr_t kLines =
      4;  // of 64 bytes: registers and the frames of park and its caller
  const G* soon = pp->lrq.waiting(1);
  if (soon == nullptr) return;
  __builtin_prefetch(pp->lrq.waiting(3));
  // A number, for one that a thief took may have no stack any more: no pointer then counts from it.
  const auto sp =
      reinterpret_cast<std::uintptr_t>(__atomic_load_n(&soon->context, __ATOMIC_RELAXED));
  for (std::uintptr_t line = 0; line < kLines; ++line) {
    __builtin_prefetch(reinterpret_cast<const void*>(sp + 64 * line));
  }
}

[[gnu::always_inline]] inline G* pop_lrq(P* pp) {
  G* gp = solo() ? pp->lrq.pop_alone() : pp->lrq.pop();
  warm_up(pp);
  return gp;
}
[[gnu::always_inline]] inline G* pop_spawned(P* pp) {
  return solo() ? pp->spawned.pop_alone() : pp->spawned.pop();
}

[[gnu::always_inline]] inline bool slow_pick_due(P* pp) {
  pp->tick.store(pp->tick.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return --pp->until_slow_pick == 0 || pp->poke.load(std::memory_order_relaxed);
}

// What became of the first spawn that is timed.
FirstSpawn::Found find_first_spawn(P* pp) {
  using Found = FirstSpawn::Found;
  const bool in_vain = pp->robbed_in_vain.exchange(false, std::memory_order_relaxed);
  if (pp->spawned.empty() || pp->spawned.oldest() != pp->first_spawn.index()) {
    return in_vain ? Found::kStolenInVain : Found::kStolen;
  }
  const bool is_alone = pp->spawned.size() == 1 && pp->lrq.empty() && sched->grq.size() == 0 &&
                        pp->runnext.load(std::memory_order_relaxed) == nullptr;
  return is_alone ? Found::kNext : Found::kBehind;
}

[[gnu::noinline]] void time_pick(P* pp) {
  if (pp->first_spawn.picked(find_first_spawn(pp), monotonic_ns())) pp->until_slow_pick = 1;
}

// The first half of a slow pick: is there a timer to fire? And a spawn whose wait ends here?
bool timers_due(P* pp) {
  const std::int64_t earliest = pp->timers.earliest();
  pp->until_slow_pick = earliest == TimerHeap::kNever ? kSlowPickEvery : kTimedPickEvery;
  if (pp->first_spawn.is_timing()) [[unlikely]]
    time_pick(pp);
  return earliest != TimerHeap::kNever && earliest <= clock_ns();
}

[[gnu::always_inline]] inline G* pick_fast(P* pp) {
  if (--pp->ready_credit == 0) {
    pp->ready_credit = kReadyCredit;
    if (G* gp = pop_spawned(pp)) return gp;
  }
  if (G* gp = take_runnext(pp)) {
    if (++pp->runnext_streak <= kRunnextStreak) return gp;
    push_lrq(pp, gp);  // behind those that wait; it runs at once if nobody does
  }
  pp->runnext_streak = 0;
  if (G* gp = pop_lrq(pp)) return gp;
  return pop_spawned(pp);
}

// The successor of a G that leaves its stack; null sends it to g0. That is where timers are fired:
// a timer may send on the very channel that the parking G holds locked until its commit.
G* pick_next(P* pp) {
  if (slow_pick_due(pp)) [[unlikely]] {
    if (timers_due(pp) || sched->is_surplus(pp)) return nullptr;
    if (G* gp = pick_slow(pp)) return gp;
    if (pp->owes_locked) return nullptr;
  }
  return pick_fast(pp);
}

}  // namespace

G* pick_local(P* pp) {
  if (slow_pick_due(pp)) [[unlikely]] {
    timers_due(pp);
    if (G* gp = pick_slow(pp)) return gp;
  }
  return pick_fast(pp);
}

void fire_timers(P* pp) {
  if (pp->timers.earliest() == TimerHeap::kNever) return;
  // As many as the LRQ holds without shedding; a few when it is full, so that timers fire at all.
  constexpr std::uint32_t kLeast = 8;
  const std::uint32_t room = kQueueCapacity - pp->lrq.size();
  pp->timers.fire_due(clock_ns(), static_cast<int>(std::max(room, kLeast)));
}

// --- park, ready, yield ------------------------------------------------------------------------

void refuse_outside_goroutine(const char* operation) {
  fatal(current_m() == nullptr ? "%s outside a goroutine" : "%s on g0", operation);
}

void park(WaitReason reason, void (*commit)(G*, void*), void* arg) {
  M* m = current_m();
  G* self = m->g;
  P* pp = m->p;
  PCounters::bump(pp->counters.parks);
  note(TraceKind::kPark, self, reason);
  self->reason.store(reason, std::memory_order_relaxed);
  self->parked_on = arg;
  self->parked_since = coarse_clock.now();
  // Release: who finds the G parked (Runtime::parked) sees what it did before.
  self->status.store(GStatus::kWaiting, std::memory_order_release);
  // The thread of a locked goroutine runs no other.
  if (G* next = self->locked ? nullptr : pick_next(pp)) {
    m->commit = {commit, self, arg};
    switch_to_g(m, self, next);
  } else {
    switch_to_g0(m, commit, arg);
  }
}

void ready(G* gp) {
  P* pp = current_m()->p;
  PCounters::bump(pp->counters.wakes);
  note(TraceKind::kReady, gp);
  gp->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  if (gp->locked) [[unlikely]] {
    sched->ready_locked(gp);
    return;
  }
  if (sched->mode.jitter != 0 && current_m()->next_random() % 2 == 0) [[unlikely]] {
    push_lrq(pp, gp);  // last instead of next
    if (sched->multi) sched->wake_thief();
    return;
  }
  G* displaced = pp->runnext.load(std::memory_order_relaxed);
  if (displaced == nullptr) {
    pp->runnext.store(gp, std::memory_order_release);  // thieves only ever take: no race
    return;
  }
  if (solo()) {
    pp->runnext.store(gp, std::memory_order_release);
  } else {
    displaced = pp->runnext.exchange(gp, std::memory_order_acq_rel);
  }
  if (displaced != nullptr) push_lrq(pp, displaced);
  if (sched->multi) sched->wake_thief();
}

void add_ready(GList& woken, G* gp) {
  PCounters::bump(current_m()->p->counters.wakes);
  note(TraceKind::kReady, gp);
  gp->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  if (gp->locked) [[unlikely]] {
    sched->ready_locked(gp);
  } else {
    woken.push(gp);
  }
}

void ready_all(GList& woken) {
  if (woken.empty()) return;
  // More than the LRQ has room for would be shed to the GRQ piece by piece.
  if (woken.size() > kQueueCapacity / 2) {
    sched->submit_runnable(woken);
    return;
  }
  P* pp = current_m()->p;
  while (G* gp = woken.pop()) push_lrq(pp, gp);
  if (sched->multi && pp->lrq.size() >= 2) sched->wake_thief();
}

namespace {

// In the runtime: the calling G goes behind those that wait, if any do.
// A yield that cannot go straight to the next G: this one is locked to its thread, or the next is
// to another.
void yield_through_g0(M* m, G* self) {
  if (self->locked && !m->p->has_work() && sched->grq.size() == 0) return;
  self->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  const auto requeue = [](G* gp, void*) {
    if (gp->locked) {
      sched->submit_global(gp);
    } else {
      push_lrq(current_m()->p, gp);
    }
  };
  switch_to_g0(m, requeue, nullptr);
}

// A yield with nobody to yield to, every so often: a goroutine that yields until others have run
// (to poll, say) keeps its P from being idle, and so no thief works for it. One that finds
// something looks again at once, as what others left is rarely alone.
[[gnu::noinline]] void yield_to_stolen(M* m, G* self) {
  G* next = sched->steal_for_yield(m);
  if (next == nullptr) return;
  note(TraceKind::kYield, self);
  self->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  m->commit = {[](G* gp, void*) { push_lrq(current_m()->p, gp); }, self, nullptr};
  switch_to_g(m, self, next);
  M* const now_on = current_m();
  now_on->p->until_slow_pick = 1;
  // Here, and not when this goroutine has worked as well. On another M it may be part of what that
  // one has just stolen.
  if (now_on == m) sched->weigh_theft(m);
}

[[gnu::always_inline]] inline void yield_now() {
  M* m = current_m();
  P* pp = m->p;
  G* self = m->g;
  G* next = nullptr;
  bool to_g0 = self->locked;
  const bool is_slow = slow_pick_due(pp);
  if (is_slow) [[unlikely]] {
    if (timers_due(pp)) fire_timers(pp);
    to_g0 = to_g0 || pp->owes_locked || sched->is_surplus(pp);
    if (!to_g0) next = pick_slow(pp);  // what it picks must run
  }
  if (to_g0 || pp->owes_locked) [[unlikely]] {
    yield_through_g0(m, self);
    return;
  }
  // The common turn without thieves: nobody can take this one before its registers are saved.
  if (solo() && next == nullptr && pp->spawned.empty() &&
      pp->runnext.load(std::memory_order_relaxed) == nullptr) {
    next = pp->lrq.rotate_alone(self);
    if (next != nullptr) {
      warm_up(pp);
      note(TraceKind::kYield, self);
      self->status.store(GStatus::kRunnable, std::memory_order_relaxed);
      switch_to_g(m, self, next);
      return;
    }
  }
  // Goroutines that never ran come first: their spawner may be yielding until they have.
  if (next == nullptr) next = pop_spawned(pp);
  if (next == nullptr) next = take_runnext(pp);
  if (next == nullptr) next = pop_lrq(pp);
  if (next == nullptr && sched->grq.size() > 0) next = sched->take_global(pp);
  if (next == nullptr) {
    if (pp->owes_locked) {
      yield_through_g0(m, self);
    } else if (is_slow && !solo()) {
      yield_to_stolen(m, self);
    }
    return;
  }
  note(TraceKind::kYield, self);
  self->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  if (pp->spawned.empty()) [[likely]] {
    m->commit = {[](G* gp, void*) { push_lrq(current_m()->p, gp); }, self, nullptr};
  } else {
    // Behind all of those that never ran, too, and those come last on this P.
    m->commit = {[](G* gp, void*) { sched->submit_global(gp); }, self, nullptr};
  }
  switch_to_g(m, self, next);
}

}  // namespace

void yield() {
  require_goroutine("yield");
  const RtSection rt;
  yield_now();
}

void jitter() {
  constexpr std::uint64_t kYieldOneIn = 8;
  if (current_m()->next_random() % kYieldOneIn == 0) yield_now();
}

// --- spawn ------------------------------------------------------------------------------------

G* new_g(P* pp, SpawnSite where) {
  G* gp = take_g(pp);
  if (pp->next_g_id == pp->end_g_id) {
    constexpr std::uint64_t kIds = 64;
    pp->next_g_id = sched->next_g_id.fetch_add(kIds, std::memory_order_relaxed);
    pp->end_g_id = pp->next_g_id + kIds;
  }
  gp->id = pp->next_g_id++;
  gp->spawned = where;
  gp->stack_class = sched->mode.stack_class;
  return gp;
}

namespace {

// The first in the queue, and due (first_spawn.h).
[[gnu::noinline]] void deal_with_first_spawn(P* pp, std::uint64_t count) {
  FirstSpawn& first = pp->first_spawn;
  // Hints, both.
  const bool may_wake = sched->idle_ps.load(std::memory_order_relaxed) > 0 &&
                        !sched->thieves_rest.load(std::memory_order_relaxed);
  if (first.is_timing_run() || pp->spawned.empty() || !(may_wake || first.is_waking())) {
    first.put_off(count);
    return;
  }
  // No pick since the last one was spawned, and yet this one is the first: a thief was there.
  if (first.is_timing()) first.picked(find_first_spawn(pp), monotonic_ns());
  pp->robbed_in_vain.store(false, std::memory_order_relaxed);
  const bool wakes = may_wake && first.is_waking();
  if (wakes) sched->wake_thief();
  first.spawned(count, pp->spawned.newest(), wakes, monotonic_ns());  // not the time to wake
  pp->until_slow_pick = 1;
}

}  // namespace

void submit_new_g(P* pp, G* gp) {
  const std::uint64_t count = PCounters::bump(pp->counters.spawned);
  note(TraceKind::kSpawn, gp);
  gp->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  pp->spawned.push(gp);
  if (!sched->multi) return;
  if (pp->spawned.size() >= 2) {
    sched->wake_thief();
  } else if (pp->first_spawn.is_due(count)) [[unlikely]] {
    deal_with_first_spawn(pp, count);
  }
}

namespace detail {

G* acquire_g(StackClass stack, SpawnSite where) {
  require_goroutine("go");
  const RtSection rt;
  G* gp = new_g(current_m()->p, where);
  if (stack != StackClass::kDefault) gp->stack_class = stack;
  return gp;
}

void submit_g(G* gp) {
  const RtSection rt;
  submit_new_g(current_m()->p, gp);
}

}  // namespace detail

// --- the stack's body ----------------------------------------------------------------------------

namespace {

// The G is over: its block returns to the pool, its stack stays under the caller.
arch::Stack* retire(P* pp, G* gp) {
  PCounters::bump(pp->counters.ended);
  note(TraceKind::kEnd, gp);
  delete std::exchange(gp->label, nullptr);
  if (gp->locked) [[unlikely]] {
    M* m = gp->locked_m;
    gp->locked = false;
    m->locked_g = nullptr;
    m->is_doomed = true;
  }
  arch::Stack* stack = std::exchange(gp->stack, nullptr);
  gp->context = nullptr;
  gp->status.store(GStatus::kIdle, std::memory_order_release);  // pairs with GPool::for_each
  give_g(pp, gp);
  return stack;
}

}  // namespace
}  // namespace gorun::runtime

using namespace gorun::runtime;  // the entry below has C linkage

void gorun_goroutine_main() {
  current_m()->g->stack->sanitizer.arrived();
  finish_switch(current_m());
  fill_stacks_ahead(current_m()->p, current_m()->g->stack->size_class);
  for (;;) {
    G* self = current_m()->g;
    leave_runtime();
    // No handler around it: see panic.h.
    self->run(self->closure);
    enter_runtime();
    M* m = current_m();
    P* pp = m->p;
    arch::Stack* stack = retire(pp, self);
    G* next = m->is_doomed ? nullptr : pick_next(pp);
    if (next != nullptr && next->context == nullptr && next->stack_class == stack->size_class &&
        !arch::kThreadSanitizer) {
      // Its first frames will be where ours were. Under TSan a goroutine gets a fiber of its own.
      next->stack = stack;
      next->context = stack;  // any non-null value: it has a stack, and is running
      m->g = next;
      note(TraceKind::kRun, next);
      next->status.store(GStatus::kRunning, std::memory_order_relaxed);
      continue;
    }
    arch::SanitizerStack* to = &m->g0_stack;
    void* context = m->g0_context;
    m->g = nullptr;
    if (next != nullptr) {
      adopt(m, next);  // before our stack is in the cache, where it might take it
      to = &next->stack->sanitizer;
      context = next->context;
    }
    // This M owns the P until the switch is done, so nobody takes the stack before we are off it.
    give_stack(pp, stack);
    arch::SanitizerStack::leave_for_good(stack->sanitizer, *to);
    void* dead = nullptr;
    gorun_context_switch(&dead, context);
  }
}
