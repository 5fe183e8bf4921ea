// runtime/sched/run_queue.h - the local run queue (LRQ) owned by one P: Gs that were made ready.
//
// A fixed ring of runnable Gs. The owner (the M that holds this P) pushes at tail_ and pops at
// head_; a thief takes half of what is left from head_. Both ends are first in, first out, so a G
// that yields in a loop cannot starve its neighbours.
//
// Invariants
//   I1  0 <= tail_ - head_ <= Capacity, in wrapping 32-bit arithmetic.
//   I2  Only the owner stores tail_. Anyone may advance head_, by CAS only.
//   I3  A G sits in at most one run queue, with status kRunnable while it does.
// Ordering
//   The owner's release store of tail_ publishes a slot; a thief pairs with it by loading tail_
//   with acquire. The CAS on head_ is a release, which the owner loads with acquire before it
//   refills a slot a thief has been reading.
// Not chosen: a Chase-Lev deque. Its last-in, first-out end suits fork-join, and spawned Gs have
// one
//   (spawn_queue.h); Gs that were made ready want fairness, and stealing half makes steals rare.
// Prior art: Go, src/runtime/proc.go (runqput, runqgrab).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace gorun::runtime {

struct G;

template <std::uint32_t Capacity>
class RunQueue {
  static_assert((Capacity & (Capacity - 1)) == 0, "indices wrap by masking");

 public:
  /// Appends `gp`. Owner only. returns false when the ring is full.
  [[nodiscard]] bool push(G* gp) {
    const std::uint32_t head = head_.load(std::memory_order_acquire);  // pairs with a thief's CAS
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head >= Capacity) return false;
    slot(tail).store(gp, std::memory_order_relaxed);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// Takes the oldest G, or null. Owner only.
  G* pop() {
    std::uint32_t head = head_.load(std::memory_order_acquire);
    for (;;) {
      if (head == tail_.load(std::memory_order_relaxed)) return nullptr;
      G* gp = slot(head).load(std::memory_order_relaxed);
      if (head_.compare_exchange_weak(head, head + 1, std::memory_order_release,
                                      std::memory_order_acquire)) {
        return gp;
      }
    }
  }

  /// Takes the oldest G while no thief can exist (solo.h). Owner only.
  G* pop_alone() {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_relaxed)) return nullptr;
    G* gp = slot(head).load(std::memory_order_relaxed);
    head_.store(head + 1, std::memory_order_relaxed);
    return gp;
  }

  /// Takes the oldest G and appends `gp`, or does nothing and returns null if there is none; while
  /// no thief can exist. Owner only.
  G* rotate_alone(G* gp) {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (head == tail) return nullptr;
    G* oldest = slot(head).load(std::memory_order_relaxed);
    slot(tail).store(gp, std::memory_order_relaxed);  // in a full ring that is the oldest's slot
    head_.store(head + 1, std::memory_order_relaxed);
    tail_.store(tail + 1, std::memory_order_relaxed);
    return oldest;
  }

  /// Moves half of the Gs (rounded up), oldest first, into `out`. Any thread. returns how many.
  std::uint32_t grab_half(std::array<G*, Capacity>& out) {
    for (;;) {
      std::uint32_t head = head_.load(std::memory_order_acquire);        // pairs with other CASes
      const std::uint32_t tail = tail_.load(std::memory_order_acquire);  // pairs with push()
      std::uint32_t count = tail - head;
      count -= count / 2;
      if (count == 0) return 0;
      if (count > Capacity / 2) continue;  // head_ and tail_ were read apart: inconsistent
      for (std::uint32_t i = 0; i < count; ++i) {
        out[i] = slot(head + i).load(std::memory_order_relaxed);
      }
      if (head_.compare_exchange_strong(head, head + count, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
        return count;
      }
    }
  }

  /// The G `nth` in turn, or null when there are fewer; a hint, as thieves may take it. Owner only.
  [[nodiscard]] G* waiting(std::uint32_t nth) {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);  // once: thieves move it on
    if (tail_.load(std::memory_order_relaxed) - head <= nth) return nullptr;
    return slot(head + nth).load(std::memory_order_relaxed);
  }

  /// A snapshot; exact for the owner while nobody steals.
  [[nodiscard]] std::uint32_t size() const {
    const std::uint32_t head = head_.load(std::memory_order_acquire);
    const std::uint32_t count = tail_.load(std::memory_order_acquire) - head;
    return count <= Capacity ? count : 0;
  }
  [[nodiscard]] bool empty() const { return size() == 0; }

 private:
  std::atomic<G*>& slot(std::uint32_t index) { return ring_[index & (Capacity - 1)]; }

  std::atomic<std::uint32_t> head_{0};  // advanced by owner and thieves, CAS only
  std::atomic<std::uint32_t> tail_{0};  // stored by the owner only
  std::array<std::atomic<G*>, Capacity> ring_{};
};

}  // namespace gorun::runtime
