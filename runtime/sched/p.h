// runtime/sched/p.h - P: the right to run goroutines, with what makes that cheap.
//
// A P holds the queues and caches that an M needs to run goroutines without locks: the M that owns
// it (m->p == p, with m->in_rt set) touches them as if it were alone. Thieves take from the queues
// by the protocols of run_queue.h and spawn_queue.h.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "runtime/poll/send_batch.h"
#include "runtime/sched/briskness.h"
#include "runtime/sched/first_spawn.h"
#include "runtime/sched/g.h"
#include "runtime/sched/run_queue.h"
#include "runtime/sched/spawn_queue.h"
#include "runtime/sched/timer_heap.h"

namespace gorun::runtime {

struct M;

inline constexpr std::uint32_t kQueueCapacity = 256;  // Go's; a full LRQ sheds half to the GRQ

/// The upper half of a mutex's word while the mutex is biased to the P of that number (mutex.h).
constexpr std::uint64_t mutex_key_of(int p) {
  return std::uint64_t{1} << 63U | static_cast<std::uint64_t>(p) << 32U;
}
inline constexpr std::uint64_t kNobodysMutexKey = ~std::uint64_t{0} << 32U;  // of no mutex

/// Totals that only the owner writes; read by anyone. What one total counts may depend on another
/// (who ends was spawned): a reader who sees the later one sees the earlier one.
struct PCounters {
  std::atomic<std::uint64_t> spawned{0}, ended{0}, steals{0}, parks{0}, wakes{0};
  std::atomic<std::uint64_t> armed{0}, disarmed{0};  // see Sched::armed_fds()

  /// returns the new total.
  static std::uint64_t bump(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
    // One writer: no read-modify-write needed.
    const std::uint64_t total = counter.load(std::memory_order_relaxed) + by;
    counter.store(total, std::memory_order_release);  // pairs with the acquire of readers
    return total;
  }
};

struct alignas(128) P {
  explicit P(int number) : id(number), mutex_key(mutex_key_of(number)) {}
  /// Gives what is cached back to the pools. Any thread, once no M is left.
  ~P();
  P(const P&) = delete;
  P& operator=(const P&) = delete;

  // Hot: what every pick reads.
  std::atomic<G*> runnext{nullptr};  // the G made ready last; stored by the owner, CASed by thieves
  std::uint32_t runnext_streak = 0;  // Gs taken from runnext in a row. Owner
  std::uint32_t until_slow_pick = 1;  // picks left until GRQ and timers are looked at. Owner
  std::uint32_t ready_credit = 1;     // picks left until a spawned G gets its turn. Owner
  bool owes_locked = false;  // the oldest G of the GRQ is locked: to g0, to hand this P on. Owner
  std::atomic<bool> poke{false};        // sysmon asks for a slow pick; relaxed, a hint
  std::atomic<std::uint32_t> tick{0};   // picks so far, so that sysmon sees progress; relaxed
  std::atomic<std::uint32_t> calls{0};  // marked blocking calls so far, for the same; relaxed
  std::uint32_t round_end = 0;  // the tick when all has run that was queued at its last look at the
                                // network, unless more came before it. Owner
  std::atomic<int> cpu{-1};     // on which it last looked at the network; relaxed, a hint
  const int id;
  const std::uint64_t mutex_key;  // what mutexes biased to this P say
  FirstSpawn first_spawn;         // whose first word every spawn reads. Owner
  PCounters counters;

  // Caches. Owner.
  G* free_gs = nullptr;
  std::uint32_t free_g_count = 0;
  std::uint64_t next_g_id = 0, end_g_id = 0;  // ids reserved for this P
  struct StackCache {
    arch::Stack* free = nullptr;
    std::uint32_t count = 0;     // in `free`
    std::uint32_t last_run = 0;  // so many that never ran were asked for at last
  } stacks[arch::kStackClasses];
  arch::UnusedStacks unused_stacks[arch::kStackClasses];  // what is left of those

  // Of its goroutines that wait to send (poll/send_batch.h). Owner, but for the count, which
  // others read (relaxed: a hint).
  std::unique_ptr<SendBatch> sends;
  std::atomic<std::uint32_t> queued_sends{0};
  Briskness briskness;

  // Guarded by the scheduler's lock, but for `m`, which sysmon reads (acquire pairs with wire()).
  std::atomic<M*> m{nullptr};
  bool idle = true;

  // Set by a thief of what was alone in `spawned` and too short; cleared by the owner. Relaxed: a
  // hint.
  std::atomic<bool> robbed_in_vain{false};

  // What sysmon saw last. Sysmon only.
  std::uint32_t seen_tick = 0, seen_calls = 0, seen_oldest = 0;
  std::int64_t seen_since = 0, seen_call_since = 0, seen_oldest_since = 0;

  alignas(128) RunQueue<kQueueCapacity> lrq;
  alignas(128) SpawnQueue spawned{kQueueCapacity};
  TimerHeap timers;

  /// Work that a thief could take. Any thread; a snapshot, as the next one.
  [[nodiscard]] bool has_loot() const {
    return !lrq.empty() || !spawned.empty() || runnext.load(std::memory_order_acquire) != nullptr;
  }
  /// Work that an owner would find.
  [[nodiscard]] bool has_work() const {
    return has_loot() || queued_sends.load(std::memory_order_relaxed) != 0;
  }
};

}  // namespace gorun::runtime
