// runtime/timer.h - time for goroutines: sleep parks the G, not a thread; Timer and Ticker send the
// time into a channel, so that waiting for it is one more case of a select.
//
//   Timer limit(5s);
//   select(recv_case(results, got), recv_case(limit.chan(), fired));
//
// As in Go since 1.23 nobody sees a stale value: once stop() or reset() has returned, the channel
// yields nothing that was due before. The channel is made by the first chan(): a timer that is
// started and stopped in time, the common case, allocates nothing.
//
// Pending timers do not keep a run alive; only goroutines do.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "runtime/chan.h"
#include "runtime/rt_lock.h"
#include "runtime/sched/timer_heap.h"

namespace gorun::runtime {

using Nanos = std::chrono::nanoseconds;

/// Monotonic time since an arbitrary epoch. threads: any.
[[nodiscard]] Nanos now();

/// Parks the calling G for at least `duration` (monotonic clock); zero or less only yields.
void sleep(Nanos duration);

namespace detail {

/// What Timer and Ticker share: an event that offers the time to a channel of capacity 1.
class ChanTimer {
 public:
  ChanTimer(Nanos after, Nanos period);
  ~ChanTimer();
  ChanTimer(const ChanTimer&) = delete;
  ChanTimer& operator=(const ChanTimer&) = delete;

  bool stop();
  bool restart(Nanos after, Nanos period);
  Chan<Nanos>& chan() {
    if (!has_chan_.load(std::memory_order_acquire)) make_chan();
    return chan_;
  }

 private:
  static void fire(void* self);
  void start_locked(Nanos after, Nanos period);
  bool stop_locked();
  void make_chan();

  RtLock lock_;       // taken by all but fire(), which has the lock of the heap
  TimerEvent event_;  // started and stopped under lock_
  // Written under lock_ and, while the event is in a heap, under that heap's lock too: either will
  // do for reading.
  Chan<Nanos> chan_;
  Nanos unsent_{kNothing};             // when it fired, if that was before there was a channel
  std::atomic<bool> has_chan_{false};  // release in make_chan() pairs with chan()

  static constexpr std::int64_t kNothing = -1;
};

}  // namespace detail

/// Fires once: sends the time (now()) of its firing into chan(). Destroying it stops it.
///
/// threads  any goroutine; members may run at the same time. Destroy it when none does.
/// source   Go, time.Timer.
class Timer {
 public:
  /// Starts at once; a `delay` of zero or less has passed already.
  explicit Timer(Nanos delay) : timer_(delay, Nanos{0}) {}

  /// A channel of capacity 1. The handle stays valid when the Timer is gone, but nothing comes any
  /// more.
  [[nodiscard]] Chan<Nanos>& chan() { return timer_.chan(); }

  /// Prevents the firing. returns true if it did: nobody has received, or will, the time of it.
  bool stop() { return timer_.stop(); }

  /// stop(), then starts anew with `delay` from now. returns what stop() did.
  bool reset(Nanos delay) { return timer_.restart(delay, Nanos{0}); }

 private:
  detail::ChanTimer timer_;
};

/// Fires every `period`, the first time after one: sends the time into chan(). A tick that finds
/// the one before it not yet received is dropped. Destroying the Ticker stops it.
///
/// threads  as Timer. A period of zero or less is a bug and aborts.
/// source   Go, time.Ticker.
class Ticker {
 public:
  explicit Ticker(Nanos period) : timer_(checked(period), period) {}

  [[nodiscard]] Chan<Nanos>& chan() { return timer_.chan(); }

  /// No more ticks; one that was not received is taken back.
  void stop() { (void)timer_.stop(); }

  /// stop(), then starts anew: the next tick comes after the new `period`.
  void reset(Nanos period) { (void)timer_.restart(checked(period), period); }

 private:
  static Nanos checked(Nanos period);

  detail::ChanTimer timer_;
};

/// A channel of capacity 1 that receives the time once, after `delay`. Cannot be stopped: what it
/// holds is freed when it fires. For a long delay that is seldom awaited to its end use a Timer, or
/// timeout_case in a select.
[[nodiscard]] Chan<Nanos> after(Nanos delay);

}  // namespace gorun::runtime
