// runtime/sched/m.h - M: an OS thread that runs goroutines while it owns a P.
//
// The thread's own stack is its g0: the scheduler runs there when it finds no next G on the spot.
//
// An M is in the runtime (in_rt) or in user code. In the runtime it alone touches its P. In user
// code, a blocking call included, sysmon may take the P away. Both sides agree by an asymmetric
// Dekker handshake in which the M, the frequent side, pays two plain accesses:
//
//   enter():   in_rt = 1; compiler fence; if (steal) enter_slow()
//   leave():   in_rt = 0 (release)
//   sysmon:    lock; steal = 1; membarrier; still in_rt == 0 -> take P; else steal = 0; unlock
//
// steal is a flag of `gate`, which an entry loads anyway.
//
// The membarrier makes every M pass a full barrier between the two stores and the two loads: either
// sysmon sees in_rt == 1, or the M sees steal == 1 and waits for sysmon's decision behind the lock.
// Where membarrier is missing sysmon takes from blocking calls only: their M is marked while it is
// out, and comes back through a full fence. Under TSan, which does not know membarrier, enter()
// exchanges in_rt (seq_cst).
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "runtime/arch/sanitizer.h"
#include "runtime/sched/g.h"

namespace gorun::runtime {

struct P;
struct TraceRing;

/// What is to be done for a G that has just left its stack, once its registers are saved.
struct Commit {
  void (*run)(G* gp, void* arg) = nullptr;
  G* gp = nullptr;
  void* arg = nullptr;
};

/// What is to be done for a goroutine that is in a blocking section, once it has left it.
struct Afterwards {
  void (*run)(void* arg) = nullptr;  // on the goroutine, outside the runtime
  void* arg = nullptr;
  Afterwards* next = nullptr;
};

/// What the thefts of an M may cost in vain before it rests; see sched.cc.
inline constexpr std::int64_t kFullTheftCreditNs = 64'000;

struct alignas(128) M {
  /// `jitter`: the seed of scheduling jitter, or 0 for none.
  M(int number, std::uint64_t jitter);
  M(const M&) = delete;
  M& operator=(const M&) = delete;

  // The handshake; see above. Stored by this M.
  std::atomic<std::uint32_t> in_rt{1};
  // The other side's half, and whose mutexes this M may change by plain stores.
  // The lower half is what stands in the way of an entry, 0 as a rule: kSteal, set by sysmon and
  // cleared by either under Sched::retake_lock; kJitter, from the start. The upper half is the
  // mutex key of p, or nobody's (p.h); it changes with p. Both by read-modify-write, as the other
  // half may change meanwhile. So one load says whether the M is in the runtime and with which P.
  std::atomic<std::uint64_t> gate;
  static constexpr std::uint64_t kSteal = 1U << 31U;
  static constexpr std::uint64_t kJitter = 1U << 30U;  // sends every entry through enter_slow()

  G* g = nullptr;  // running on this M; null on g0. This M only
  P* p = nullptr;  // owned; null while idle or without a P. This M, or sysmon by the handshake
  Commit commit;   // run by whoever arrives next on this M. This M only
  ExceptionState* exceptions = nullptr;  // this thread's, inside the C++ runtime
  void* g0_context = nullptr;            // saved while a G runs
  arch::SanitizerStack g0_stack;

  bool spinning = false;  // looking for work; counted in Sched::spinning. This M, or its waker
  // The last theft, to be weighed when its loot has run. This M only.
  std::int64_t stole_at = 0;                          // 0: nothing to weigh
  std::uint32_t loot = 0;                             // Gs
  P* robbed = nullptr;                                // whose only spawned G it was; else null
  std::int64_t theft_cost_ns = 0;                     // what it cost, and the looking for it
  std::int64_t theft_credit_ns = kFullTheftCreditNs;  // what more may be stolen in vain
  P* old_p = nullptr;  // the P before a blocking call; its caches may be warm. This M only
  // In a marked blocking call: done with the P. Release pairs with is_marked() in retake.cc;
  // relaxed where it is a hint.
  std::atomic<bool> blocking{false};
  Afterwards* afterwards = nullptr;  // of that call, the last one first. This M only
  std::uint64_t random;              // xorshift state. This M only
  TraceRing* trace_ring = nullptr;   // null until it notes an event. This M only
  const int id;

  // A goroutine that is locked to this thread (os_thread.h). This M, in the G or on g0.
  G* locked_g = nullptr;
  std::uint32_t lock_depth = 0;  // calls of lock_os_thread() not yet undone
  bool is_doomed = false;        // its locked goroutine ended: so does the thread

  // Parking. guarded by the scheduler's lock until the wake-up word is set.
  M* next_idle = nullptr;  // in the list of idle Ms, or of those without a thread
  M* prev_idle = nullptr;
  bool awaits_p = false;  // asleep until its locked goroutine may run: counted in locked_asleep
  P* next_p = nullptr;    // handed over by the waker
  std::atomic<std::uint32_t> wake_word{0};  // futex; release by the waker pairs with acquire here
  std::atomic<bool> polling{false};  // sleeps in the netpoller, not on wake_word; relaxed: the lock
  bool has_thread = false;           // guarded by the scheduler's lock
  pthread_t thread{};                // stored by that thread, before it first takes the lock

  /// From user code into the runtime, but for what enter_slow() has to do if what this returns, the
  /// gate, is not open.
  std::uint64_t knock() {
    if constexpr (arch::kThreadSanitizer) {
      in_rt.exchange(1, std::memory_order_seq_cst);
    } else {
      in_rt.store(1, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);  // the other half is a membarrier
    }
    return gate.load(std::memory_order_seq_cst);
  }
  static bool is_open(std::uint64_t gate) { return static_cast<std::uint32_t>(gate) == 0; }
  /// The same; returns whether it is open.
  bool try_enter() { return is_open(knock()); }
  /// Back to user code.
  void leave() { in_rt.store(0, std::memory_order_release); }  // pairs with acquires in retake.cc

  /// Of its P, in the upper half, or nobody's. In the runtime.
  [[nodiscard]] std::uint64_t mutex_key() const {
    return gate.load(std::memory_order_relaxed) & ~std::uint64_t{0} << 32U;
  }
  /// Only by who may change p. The flags of the gate may change meanwhile.
  void set_mutex_key(std::uint64_t key) {
    gate.fetch_xor(mutex_key() ^ key, std::memory_order_relaxed);
  }

  std::uint64_t next_random() {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
  }
};

}  // namespace gorun::runtime

extern "C" {
/// The calling thread's M, or null. Read through current_m() only.
extern constinit thread_local gorun::runtime::M* gorun_current_m;
}

namespace gorun::runtime {

/// The M that runs the caller. A goroutine moves between Ms: never keep the result across a park.
///
/// The compiler must not keep the address of the thread-local either, so it is never formed here.
inline M* current_m() {
#if defined(__x86_64__)
  M* m;
  asm volatile("movq %%fs:gorun_current_m@tpoff, %0" : "=r"(m));
  return m;
#else
  extern M* load_current_m();  // out of line, in m.cc
  return load_current_m();
#endif
}

}  // namespace gorun::runtime
