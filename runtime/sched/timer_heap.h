// runtime/sched/timer_heap.h - the pending timers of one P: a 4-ary heap under a lock of its own.
//
// The owner P's M inserts and fires; any M may stop a timer, or fire a due one of a P that is busy
// or idle. Fire functions run under the heap's lock, so that once stop() has returned the function
// neither runs nor will run: a timer may live in the frame that waits for it.
//
// The heap holds copies of the times and small slot numbers; a table maps a slot to its place in
// the heap. Moving an entry writes these dense arrays only, never the event, which lies in some
// goroutine's frame: with 100,000 sleepers each such write would miss the cache and the TLB.
// Four children a node: half the levels of a binary heap, and the children share a cache line.
//
// Lock order: a Timer's lock < timer heap < channel < the scheduler's. Whoever holds channels and
// wants the heap (a select with a timeout) may only try.
//
// Not chosen: lazy deletion. A stopped event would have to outlive its owner's frame, hence be
// allocated; and programs that start and stop a timer a request would fill the heap with the dead.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "runtime/rt_lock.h"

namespace gorun::runtime {

class TimerHeap;

/// One pending event. The owner keeps it alive until it has fired or was stopped.
struct TimerEvent {
  std::int64_t when = 0;    // monotonic nanoseconds
  std::int64_t period = 0;  // queued again this much later when it fires; 0: fires once
  /// Called under the heap's lock, by an M that holds a P. May lock channels and make Gs ready; may
  /// not touch timers. An event without a period is out of the heap by then and may be freed.
  void (*fire)(void* arg) = nullptr;
  /// Called instead if the runtime ends first, for an event that nobody but the heap owns.
  void (*discard)(void* arg) = nullptr;
  void* arg = nullptr;

  // Where it is queued, or was last; set before the owner parks. Written under the lock of that
  // heap, and of the new one when it moves: who has locked the heap that it names knows it.
  std::atomic<TimerHeap*> heap{nullptr};
  static constexpr std::uint32_t kNotQueued = ~0u;
  std::uint32_t slot = kNotQueued;  // guarded by the heap's lock
};

/// threads  every member but earliest(), adopt() and the destructor: an M in the runtime.
class TimerHeap {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// `delay` (negative: none) from `now`, at most a time before kNever.
  [[nodiscard]] static std::int64_t when_after(std::int64_t now, std::int64_t delay) {
    if (delay <= 0) return now;
    return delay < kNever - now ? now + delay : kNever - 1;
  }

  TimerHeap() = default;
  ~TimerHeap();
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;

  /// Queues `event`; it must not be queued. returns true if it is the heap's earliest now.
  bool insert(TimerEvent* event);
  /// The same under lock().
  bool insert_locked(TimerEvent* event);
  [[nodiscard]] RtLock& lock() { return lock_; }

  /// Takes `event` out. returns false if it had fired (or was never queued). Once it returns
  /// nothing of the heap refers to the event.
  static bool stop(TimerEvent* event);

  /// Moves all that is queued in `from` here. Sysmon only: the one thread that locks two heaps.
  void adopt(TimerHeap& from);

  /// Locks the heap that `event` is or was queued in, and returns it; null if there is none.
  static TimerHeap* lock_home(const TimerEvent& event);

  /// Fires at most `limit` of the events due at `now`. returns how many.
  int fire_due(std::int64_t now, int limit = std::numeric_limits<int>::max());

  /// When the earliest is due, or kNever. Any thread; a snapshot.
  [[nodiscard]] std::int64_t earliest() const { return earliest_.load(std::memory_order_acquire); }

 private:
  struct Entry {
    std::int64_t when;
    std::uint32_t slot;
  };

  void place(std::uint32_t index, Entry entry);
  void sift_up(std::uint32_t index, Entry entry);
  void sift_down(std::uint32_t index, Entry entry);
  void remove(std::uint32_t index);
  void fire_first(std::int64_t now);
  void publish();
  void add(TimerEvent* event);
  std::uint32_t take_slot(TimerEvent* event);
  void give_slot(std::uint32_t slot);

  RtLock lock_;
  std::vector<Entry> heap_;           // guarded by lock_, as are the next three
  std::vector<TimerEvent*> events_;   // by slot
  std::vector<std::uint32_t> index_;  // by slot: its place in heap_, or the next free slot
  std::uint32_t free_slot_ = TimerEvent::kNotQueued;
  std::atomic<std::int64_t> earliest_{kNever};  // release in publish() pairs with earliest()
};

}  // namespace gorun::runtime
