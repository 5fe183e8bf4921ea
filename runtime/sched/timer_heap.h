// runtime/sched/timer_heap.h - the pending timers of one P: a 4-ary heap under a lock of its own.
//
// The owner P's M inserts and fires; any M may stop a timer or fire a due one of a P that is busy
// or idle. Fire functions run under the heap's lock, so that once stop() has returned the function
// neither runs nor will run: a timer may live in the frame that waits for it.
//
// Four children a node: half the levels of a binary heap, and the children share a cache line.
// Lock order: after channel and wait-queue locks, before the scheduler's.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

namespace gorun::runtime {

class TimerHeap;

/// One pending event. The owner keeps it alive until it has fired or was stopped.
struct TimerEvent {
  std::int64_t when = 0;  // monotonic nanoseconds
  /// Called once, under the heap's lock, by an M that holds a P. May make Gs ready; may not touch
  /// timers, nor free this event's heap.
  void (*fire)(void* arg) = nullptr;
  void* arg = nullptr;

  TimerHeap* heap = nullptr;  // where it was inserted; set before the owner parks
  static constexpr std::uint32_t kNotQueued = ~0u;
  std::uint32_t index = kNotQueued;  // guarded by the heap's lock
};

class TimerHeap {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// Queues `event`; it must not be queued. returns true if it is the heap's earliest now.
  bool insert(TimerEvent* event);

  /// Takes `event` out. returns false if it had fired (or was never queued).
  static bool stop(TimerEvent* event);

  /// Fires every event due at `now`. returns how many.
  int fire_due(std::int64_t now);

  /// When the earliest is due, or kNever. Any thread; a snapshot.
  [[nodiscard]] std::int64_t earliest() const { return earliest_.load(std::memory_order_acquire); }

 private:
  void place(std::uint32_t index, TimerEvent* event);
  void sift_up(std::uint32_t index, TimerEvent* event);
  void sift_down(std::uint32_t index, TimerEvent* event);
  void remove(std::uint32_t index);
  void publish();

  struct Entry {
    std::int64_t when;  // a copy: comparing must not touch the event
    TimerEvent* event;
  };

  std::mutex mutex_;
  std::vector<Entry> heap_;                     // guarded by mutex_
  std::atomic<std::int64_t> earliest_{kNever};  // release in publish() pairs with earliest()
};

}  // namespace gorun::runtime
