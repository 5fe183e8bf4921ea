// runtime/sched/spawn_queue.h - the spawned Gs of one P that never ran: newest first for the owner.
//
// Fork-join trees (fib, skynet, a recursive parallel-for) must be walked depth first, or every
// inner node is parked at once, each with a stack. So the owner pushes and pops at bottom_, last in
// first out, and a thief takes one G from top_: the oldest, which is the root of the largest
// subtree.
//
// Invariants
//   I1  top_ only grows; top_ <= bottom_ + 1, in wrapping arithmetic; bottom_ - top_ <= capacity.
//   I2  Only the owner stores bottom_ and ring_. top_ is advanced by CAS only.
//   I3  The last G is taken by whoever wins the CAS on top_, owner and thief alike.
//   I4  The owner writes into the newest ring only; older ones stay as they were until the end.
// Ordering
//   pop() lowers bottom_, then a seq_cst fence, then reads top_; steal() reads top_, then a seq_cst
//   fence, then reads bottom_: at least one of them sees the other, so both cannot take one G.
//   A slot is published by the release store of bottom_, which steal()'s acquire load meets. So are
//   the slots below by that of a pop(), for a store ends what an earlier one by the same thread
//   would have published (since C++20). A grown ring is published before, by the release store of
//   ring_. A thief that reads a slot of an older ring finds the same G there, by I4.
// Starvation: newest-first alone would never run the oldest G of a P that keeps spawning. sysmon
//   asks for it (P::poke) when the oldest has waited for a time slice.
// Not chosen: shedding to the global run queue when full. What comes back from there is the oldest,
//   a tree of its own, every 61 picks: more trees are opened than closed (1,111,111 goroutines in
//   depth-first order: 220,000 waiting and 300 ms, against 60 and 80 ms).
// Prior art: Chase and Lev, "Dynamic circular work-stealing deque", 2005; Le, Pop, Cohen, Zappa
//   Nardelli, "Correct and efficient work-stealing for weak memory models", 2013.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace gorun::runtime {

struct G;

class SpawnQueue {
 public:
  /// `capacity`: of the first ring; a power of two, as indices wrap by masking.
  explicit SpawnQueue(std::uint32_t capacity) : newest_(std::make_unique<Ring>(capacity, nullptr)) {
    ring_.store(newest_.get(), std::memory_order_relaxed);
  }

  /// Adds `gp` as the newest. Owner only.
  void push(G* gp) {
    const std::uint32_t bottom = bottom_.load(std::memory_order_relaxed);
    const std::uint32_t top = top_.load(std::memory_order_acquire);  // pairs with steal()'s CAS
    Ring* ring = ring_.load(std::memory_order_relaxed);
    if (static_cast<std::int32_t>(bottom - top) > static_cast<std::int32_t>(ring->mask)) {
      ring = grow(top, bottom);
    }
    ring->slot(bottom).store(gp, std::memory_order_relaxed);
    bottom_.store(bottom + 1, std::memory_order_release);
  }

  /// Takes the newest G, or null. Owner only.
  G* pop() {
    const std::uint32_t bottom = bottom_.load(std::memory_order_relaxed);
    // An owner alone can tell that the ring is empty: only it adds.
    if (bottom == top_.load(std::memory_order_relaxed)) return nullptr;
    const std::uint32_t last = bottom - 1;
    const Ring* ring = ring_.load(std::memory_order_relaxed);
    bottom_.store(last, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the fence in steal()
    std::uint32_t top = top_.load(std::memory_order_relaxed);
    const auto left = static_cast<std::int32_t>(last - top);
    if (left > 0) return ring->slot(last).load(std::memory_order_relaxed);
    G* gp = nullptr;
    if (left == 0) {
      gp = ring->slot(last).load(std::memory_order_relaxed);
      if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                        std::memory_order_relaxed)) {
        gp = nullptr;  // a thief was first
      }
    }
    bottom_.store(bottom, std::memory_order_release);
    return gp;
  }

  /// Takes the newest G while no thief can exist (solo.h). Owner only.
  G* pop_alone() {
    const std::uint32_t bottom = bottom_.load(std::memory_order_relaxed);
    if (bottom == top_.load(std::memory_order_relaxed)) return nullptr;
    bottom_.store(bottom - 1, std::memory_order_relaxed);
    return ring_.load(std::memory_order_relaxed)->slot(bottom - 1).load(std::memory_order_relaxed);
  }

  /// Takes the oldest G, or null when there is none or another thread was first. Any thread.
  G* steal() {
    std::uint32_t top = top_.load(std::memory_order_acquire);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the fence in pop()
    const std::uint32_t bottom = bottom_.load(std::memory_order_acquire);  // pairs with push()
    if (static_cast<std::int32_t>(bottom - top) <= 0) return nullptr;
    // Acquire: pairs with grow(). After bottom_: a slot of that index is in this ring.
    G* gp = ring_.load(std::memory_order_acquire)->slot(top).load(std::memory_order_relaxed);
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

  /// The index of the newest G, if there is one. Owner only.
  [[nodiscard]] std::uint32_t newest() const { return bottom_.load(std::memory_order_relaxed) - 1; }

  /// The index of the oldest G: unchanged between two looks, nobody took it. Any thread.
  [[nodiscard]] std::uint32_t oldest() const { return top_.load(std::memory_order_relaxed); }

 private:
  struct Ring {
    Ring(std::uint32_t capacity, std::unique_ptr<Ring> older)
        : mask(capacity - 1), smaller(std::move(older)), slots(new std::atomic<G*>[capacity]()) {}

    [[nodiscard]] std::atomic<G*>& slot(std::uint32_t index) const { return slots[index & mask]; }

    const std::uint32_t mask;
    const std::unique_ptr<Ring> smaller;  // a thief may still be reading it
    const std::unique_ptr<std::atomic<G*>[]> slots;
  };

  [[gnu::noinline]] Ring* grow(std::uint32_t top, std::uint32_t bottom) {
    const Ring& old = *newest_;
    auto ring = std::make_unique<Ring>(2 * (old.mask + 1), std::move(newest_));
    for (std::uint32_t i = top; i != bottom; ++i) {
      ring->slot(i).store(old.slot(i).load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    newest_ = std::move(ring);
    ring_.store(newest_.get(), std::memory_order_release);  // pairs with steal()
    return newest_.get();
  }

  std::atomic<std::uint32_t> top_{0};     // advanced by owner and thieves, CAS only
  std::atomic<std::uint32_t> bottom_{0};  // stored by the owner only
  std::atomic<Ring*> ring_{nullptr};      // the newest; stored by the owner only
  std::unique_ptr<Ring> newest_;          // owns it and, through it, the older ones. Owner
};

}  // namespace gorun::runtime
