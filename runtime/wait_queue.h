// runtime/wait_queue.h - parked goroutines, first come, first served: the queue under every
// primitive.
//
// A Waiter lives in its G (own_waiter() in park.h), or, where one is not enough (select) or has
// more to say (a semaphore's request), in the frame of the goroutine that waits. It is in at most
// one WaiterList, which is guarded by the lock of the channel or primitive that owns the list.
// Whoever takes a waiter off its list is the one waker of its goroutine; for a goroutine that waits
// in several lists (select) the first to claim its select is.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/rt_lock.h"
#include "runtime/wait_reason.h"

namespace gorun::runtime {

struct G;

/// How a channel operation ended.
enum class ChanStatus : std::uint8_t {
  kOk,
  kClosed,      // the channel is closed (and, for a receive, drained)
  kWouldBlock,  // a try_ operation or a select's default found nothing to do
  kTimedOut,    // a select's timeout came first
};

/// The claim of a goroutine that waits in several lists: one waker wins.
struct SelectClaim {
  std::atomic<bool> taken{false};

  bool claim() {
    if (solo()) {  // as with RtLock, nobody else is in the runtime
      if (taken.load(std::memory_order_relaxed)) return false;
      taken.store(true, std::memory_order_relaxed);
      return true;
    }
    bool free = false;
    return taken.compare_exchange_strong(free, true, std::memory_order_acq_rel,
                                         std::memory_order_relaxed);
  }
};

struct Waiter {
  Waiter* next = nullptr;  // guarded by the list's lock, as are prev and queued
  Waiter* prev = nullptr;
  SelectClaim* select = nullptr;  // null unless the goroutine waits in a select
  void* slot = nullptr;           // where a value goes to or comes from; null drops a received one
  bool queued = false;
  // Set by the waker before it makes the goroutine ready.
  bool fired = false;        // taken by its waker, as against left behind in a select
  bool handed_over = false;  // a mutex changed hands
  ChanStatus status = ChanStatus::kOk;
  G* g = nullptr;
  std::int64_t since = 0;  // when a mutex's waiter began to wait; 0: not yet
};

/// An intrusive list of waiters, oldest first. Guarded by the owner's lock, but for empty().
class WaiterList {
 public:
  void push(Waiter* waiter) {
    waiter->prev = last_;
    waiter->next = nullptr;
    waiter->queued = true;
    if (last_ == nullptr) {
      set_first(waiter);
    } else {
      last_->next = waiter;
    }
    last_ = waiter;
  }
  void push_front(Waiter* waiter) {
    Waiter* const second = first();
    waiter->prev = nullptr;
    waiter->next = second;
    waiter->queued = true;
    (second == nullptr ? last_ : second->prev) = waiter;
    set_first(waiter);
  }
  void remove(Waiter* waiter) {
    if (!waiter->queued) return;
    if (waiter->prev == nullptr) {
      set_first(waiter->next);
    } else {
      waiter->prev->next = waiter->next;
    }
    (waiter->next == nullptr ? last_ : waiter->next->prev) = waiter->prev;
    waiter->queued = false;
  }
  /// The oldest waiter that nobody else claimed, taken off; or null.
  Waiter* take() {
    while (Waiter* waiter = first()) {
      Waiter* const second = waiter->next;
      set_first(second);
      (second == nullptr ? last_ : second->prev) = nullptr;
      waiter->queued = false;
      if (waiter->select == nullptr || waiter->select->claim()) {
        waiter->fired = true;
        return waiter;
      }
    }
    return nullptr;
  }
  /// Takes all off, linked by `next`, oldest first. None may wait in a select.
  Waiter* take_all(std::uint32_t& count) {
    Waiter* const all = first();
    for (Waiter* waiter = all; waiter != nullptr; waiter = waiter->next) {
      waiter->queued = false;
      waiter->fired = true;
      ++count;
    }
    set_first(nullptr);
    last_ = nullptr;
    return all;
  }
  /// Without the lock a hint.
  [[nodiscard]] bool empty() const { return first() == nullptr; }
  [[nodiscard]] Waiter* first() const { return first_.load(std::memory_order_relaxed); }

 private:
  void set_first(Waiter* waiter) { first_.store(waiter, std::memory_order_relaxed); }

  std::atomic<Waiter*> first_{nullptr};
  Waiter* last_ = nullptr;
};

/// A list with its lock, for primitives that need nothing else.
struct WaitQueue {
  RtLock lock;
  WaiterList waiters;  // guarded by lock

  /// The commit of a goroutine that parked in `queue` with its lock held.
  static void unlock_in_commit(G*, void* queue) { static_cast<WaitQueue*>(queue)->lock.unlock(); }
};

}  // namespace gorun::runtime
