// runtime/sched/retake.cc - the rare side of the ownership handshake (m.h): who is out of the
// runtime stays out until a decision about its P has been taken.
//
// The decision is to take the P (sysmon from who blocks or computes for long, an M that lost its
// own from who blocks), or to change what only the P's owner writes in the runtime (p_at_rest()).

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

constexpr std::int64_t kTickNs = 20'000;  // what a blocking call may take while others wait

long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

// Without it (Linux before 4.14, or a filter) only marked blocking calls lose their P: their M
// comes back through a full fence.
constinit std::atomic<bool> membarrier_registered{false};  // relaxed: a fact, no data

bool has_membarrier() { return membarrier_registered.load(std::memory_order_relaxed); }

// Before main(), while there is one thread: later the kernel waits until every core has been
// through its scheduler, which takes 10 ms, and a short run would be over before that.
[[gnu::constructor]] void register_membarrier() {
  membarrier_registered.store(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0,
                              std::memory_order_relaxed);
}

// Whether `m` is done with its P until it comes back from a blocking call. Asked before `steal` is
// set, so that it comes back through a full fence; and, without a membarrier, again after in_rt was
// seen to be 0: an M that left the runtime otherwise has taken the mark off before
// (tests/model/blocking_mark.pml). Acquire: pairs with enter_blocking().
bool is_marked(const M* m) { return m->blocking.load(std::memory_order_acquire); }

}  // namespace

void Sched::fence_everywhere() {
  if (has_membarrier()) {
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  } else {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}

bool Sched::is_due(P* pp, M* m, std::int64_t now) const {
  const std::uint32_t tick = pp->tick.load(std::memory_order_relaxed);
  if (tick != pp->seen_tick) {
    pp->seen_tick = tick;
    // Not `now`: sysmon may have lost its core since it took that, and the slice would be shorter.
    pp->seen_since = monotonic_ns();
    return false;
  }
  if (m->in_rt.load(std::memory_order_relaxed) != 0) return false;
  // A timer that is due is work as well: its P's owner is the one who should look.
  const bool work_waits =
      pp->has_work() || grq.size() > 0 || pp->timers.earliest() <= now || is_surplus(pp);
  const bool is_slice_over = work_waits && now - pp->seen_since >= kTimeSliceNs;
  if (!m->blocking.load(std::memory_order_relaxed)) return is_slice_over;
  const std::uint32_t calls = pp->calls.load(std::memory_order_relaxed);
  if (calls != pp->seen_calls) {
    pp->seen_calls = calls;
    pp->seen_call_since = monotonic_ns();
    return is_slice_over;
  }
  const std::int64_t call_ns = now - pp->seen_call_since;
  if (call_ns < kTickNs) return is_slice_over;
  // Nobody idles or looks for work: this P may be the only one that could run what comes next.
  return work_waits || call_ns >= kTimeSliceNs ||
         idle_ps.load(std::memory_order_relaxed) + spinning.load(std::memory_order_relaxed) == 0;
}

// One round of the handshake over all Ms that are due, with one membarrier for all of them.
bool Sched::retake(std::int64_t now) {
  std::unique_lock decision(retake_lock);
  std::vector<M*> due;
  for (auto& pp : ps) {
    M* m = pp->m.load(std::memory_order_acquire);  // pairs with wire()
    if (m == nullptr || !is_due(pp.get(), m, now)) continue;
    if (!has_membarrier() && !is_marked(m)) continue;
    m->gate.fetch_or(M::kSteal, std::memory_order_seq_cst);
    due.push_back(m);
  }
  if (due.empty()) return false;
  fence_everywhere();
  std::vector<P*> taken;
  for (M* m : due) {
    // Acquire: what the M did to its P before it left the runtime is ours to pass on.
    if (m->in_rt.load(std::memory_order_seq_cst) == 0 && (has_membarrier() || is_marked(m)) &&
        m->p != nullptr) {
      taken.push_back(unwire(m));  // kSteal stays: the M finds out when it comes back
    } else {
      m->gate.fetch_and(~M::kSteal, std::memory_order_seq_cst);
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
  if (m == nullptr || !is_marked(m)) return nullptr;
  m->gate.fetch_or(M::kSteal, std::memory_order_seq_cst);
  if (m->in_rt.load(std::memory_order_seq_cst) == 0 && is_marked(m) && m->p == wanted) {
    retakes.fetch_add(1, std::memory_order_relaxed);
    return unwire(m);
  }
  m->gate.fetch_and(~M::kSteal, std::memory_order_seq_cst);
  return nullptr;
}

bool Sched::can_rest_ps() { return arch::kThreadSanitizer || has_membarrier(); }

bool Sched::p_at_rest(int id, void (*change)(void* arg), void* arg) {
  {
    // No owner: nobody becomes it without this lock.
    const std::lock_guard guard(lock);
    const auto index = static_cast<std::size_t>(id);
    if (index >= ps.size() || ps[index]->idle) {
      change(arg);
      return true;
    }
  }
  const std::lock_guard decision(retake_lock);
  P* pp = ps[static_cast<std::size_t>(id)].get();
  M* m = pp->m.load(std::memory_order_acquire);  // pairs with wire()
  if (m == nullptr) return false;                // on its way from one M to another
  m->gate.fetch_or(M::kSteal, std::memory_order_seq_cst);
  fence_everywhere();
  // Acquire: what the M did to the P before it left the runtime. `p` after in_rt: the M may have
  // changed it before it left.
  const bool rests = m->in_rt.load(std::memory_order_seq_cst) == 0 && m->p == pp;
  if (rests) change(arg);
  // The M sees the change: it enters by this store, or waits for the lock.
  m->gate.fetch_and(~M::kSteal, std::memory_order_seq_cst);
  return rests;
}

}  // namespace gorun::runtime
