// runtime/sched/solo.cc - how solo (solo.h) begins and ends.

#include "runtime/solo.h"

#include <sched.h>

#include "runtime/sched/pause.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

// It ends at the cost of a membarrier for whoever takes the second P, some microseconds, and of an
// interruption of the first one; so it pays only where it lasts.
constexpr std::int64_t kAloneNs = 1'000'000;
// In a section, or without its core.
constexpr int kPausesPerLook = 16;
constexpr int kLooksBeforeYield = 64;

}  // namespace

std::atomic<bool> is_solo{false};

bool Sched::may_be_solo() const { return !multi || can_rest_ps(); }

void Sched::end_solo(const P* newcomer) {
  if (!solo()) return;
  for (auto& pp : ps) {
    if (!pp->idle && pp.get() != newcomer) soloist.store(pp.get(), std::memory_order_relaxed);
  }
  is_solo.store(false, std::memory_order_seq_cst);
}

void Sched::await_soloist_slow(const P* own) {
  P* const first = soloist.load(std::memory_order_acquire);  // pairs with the last of these lines
  if (first == nullptr || first == own) return;
  fence_everywhere();
  for (int looks = 1; soloist.load(std::memory_order_acquire) == first; ++looks) {
    // Without an owner it is on its way to one that enters the runtime, or wires the P, after the
    // fence. Acquire: pairs with unwire().
    const M* m = first->m.load(std::memory_order_acquire);
    // Acquire: pairs with leave().
    if (m == nullptr || m->in_rt.load(std::memory_order_acquire) == 0) break;
    if (looks % kLooksBeforeYield == 0) sched_yield();  // it may wait for this very core
    for (int i = 0; i < kPausesPerLook; ++i) pause_cpu();
  }
  // Unless solo has begun and ended again: then another's section is waited for.
  P* expected = first;
  soloist.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel);
}

void Sched::begin_solo(std::int64_t now) {
  if (!multi || solo() || !may_be_solo()) return;
  if (busy_ps.load(std::memory_order_relaxed) > 1) {
    alone_since_ = now;
    return;
  }
  const std::lock_guard guard(lock);
  if (joined_then_ != joined || busy_ps.load(std::memory_order_relaxed) > 1) {
    joined_then_ = joined;
    alone_since_ = now;
    return;
  }
  if (now - alone_since_ < (mode.jitter == 0 ? kAloneNs : 0)) return;
  // Release: what the others did before they made their Ps idle, under the lock.
  is_solo.store(true, std::memory_order_release);
}

}  // namespace gorun::runtime
