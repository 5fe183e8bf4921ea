// runtime/sched/spawn_queue.h - the spawned Gs of one P that never ran: newest first for the owner.
//
// Fork-join trees (fib, skynet, a recursive parallel-for) must be walked depth first, or every
// inner node is parked at once, each with a stack. So the owner pushes and pops at bottom_, last in
// first out, and a thief takes one G from top_: the oldest, which is the root of the largest
// subtree.
//
// Invariants
//   I1  top_ only grows; top_ <= bottom_ + 1, in wrapping arithmetic; bottom_ - top_ <= Capacity.
//   I2  Only the owner stores bottom_. top_ is advanced by CAS only.
//   I3  The last G is taken by whoever wins the CAS on top_, owner and thief alike.
// Ordering
//   pop() lowers bottom_, then a seq_cst fence, then reads top_; steal() reads top_, then a seq_cst
//   fence, then reads bottom_: at least one of them sees the other, so both cannot take one G.
//   A slot is published by the release store of bottom_, which steal()'s acquire load meets.
// Starvation: newest-first alone would never run the oldest G of a P that keeps spawning. age()
//   hands the oldest to the caller; sysmon asks for it when the oldest has waited for a tick.
// Prior art: Chase and Lev, "Dynamic circular work-stealing deque", 2005; Le, Pop, Cohen, Zappa
//   Nardelli, "Correct and efficient work-stealing for weak memory models", 2013. The ring is
//   fixed: what does not fit goes to the global run queue.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace gorun::runtime {

struct G;

template <std::uint32_t Capacity>
class SpawnQueue {
  static_assert((Capacity & (Capacity - 1)) == 0, "indices wrap by masking");

 public:
  /// Adds `gp` as the newest. Owner only. returns false when the ring is full.
  [[nodiscard]] bool push(G* gp) {
    const std::uint32_t bottom = bottom_.load(std::memory_order_relaxed);
    const std::uint32_t top = top_.load(std::memory_order_acquire);  // pairs with steal()'s CAS
    if (static_cast<std::int32_t>(bottom - top) >= static_cast<std::int32_t>(Capacity)) {
      return false;
    }
    slot(bottom).store(gp, std::memory_order_relaxed);
    bottom_.store(bottom + 1, std::memory_order_release);
    return true;
  }

  /// Takes the newest G, or null. Owner only.
  G* pop() {
    const std::uint32_t bottom = bottom_.load(std::memory_order_relaxed);
    // An owner alone can tell that the ring is empty: only it adds.
    if (bottom == top_.load(std::memory_order_relaxed)) return nullptr;
    const std::uint32_t last = bottom - 1;
    bottom_.store(last, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the fence in steal()
    std::uint32_t top = top_.load(std::memory_order_relaxed);
    const auto left = static_cast<std::int32_t>(last - top);
    if (left > 0) return slot(last).load(std::memory_order_relaxed);
    G* gp = nullptr;
    if (left == 0) {
      gp = slot(last).load(std::memory_order_relaxed);
      if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                        std::memory_order_relaxed)) {
        gp = nullptr;  // a thief was first
      }
    }
    bottom_.store(bottom, std::memory_order_relaxed);
    return gp;
  }

  /// Takes the newest G when no thief can exist (a single P). Owner only.
  G* pop_alone() {
    const std::uint32_t bottom = bottom_.load(std::memory_order_relaxed);
    if (bottom == top_.load(std::memory_order_relaxed)) return nullptr;
    bottom_.store(bottom - 1, std::memory_order_relaxed);
    return slot(bottom - 1).load(std::memory_order_relaxed);
  }

  /// Takes the oldest G, or null when there is none or another thread was first. Any thread.
  G* steal() {
    std::uint32_t top = top_.load(std::memory_order_acquire);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the fence in pop()
    const std::uint32_t bottom = bottom_.load(std::memory_order_acquire);  // pairs with push()
    if (static_cast<std::int32_t>(bottom - top) <= 0) return nullptr;
    G* gp = slot(top).load(std::memory_order_relaxed);
    if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                      std::memory_order_relaxed)) {
      return nullptr;
    }
    return gp;
  }

  /// A snapshot; exact for the owner while nobody steals.
  [[nodiscard]] std::uint32_t size() const {
    const std::uint32_t top = top_.load(std::memory_order_acquire);
    const auto count = static_cast<std::int32_t>(bottom_.load(std::memory_order_acquire) - top);
    return count > 0 ? static_cast<std::uint32_t>(count) : 0;
  }
  [[nodiscard]] bool empty() const { return size() == 0; }

  /// The index of the oldest G: unchanged between two looks, nobody took it. Any thread.
  [[nodiscard]] std::uint32_t oldest() const { return top_.load(std::memory_order_relaxed); }

 private:
  std::atomic<G*>& slot(std::uint32_t index) { return ring_[index & (Capacity - 1)]; }

  std::atomic<std::uint32_t> top_{0};     // advanced by owner and thieves, CAS only
  std::atomic<std::uint32_t> bottom_{0};  // stored by the owner only
  std::array<std::atomic<G*>, Capacity> ring_{};
};

}  // namespace gorun::runtime
