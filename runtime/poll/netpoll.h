// runtime/poll/netpoll.h - the netpoller: which descriptors became ready, asked of the kernel.
//
// This is the contract; netpoll_epoll.cc keeps it on Linux. There is one netpoller per run, made
// when the first goroutine has to wait for a descriptor. A descriptor is added once, for both
// directions, edge-triggered, and stays until it is closed: nothing is armed or disarmed per
// operation.
//
// Who asks (sched/network.cc): an M that finds nothing to run looks before it steals and while it
// spins; a P that is busy looks now and then; sysmon looks when nobody did for 10 ms; and one of
// the Ms that sleep, the timekeeper, sleeps in here, so that an event or the next timer wakes it.
//
// Sched::armed_fds counts the goroutines parked on a descriptor. While it is zero nobody polls, and
// a program without descriptors makes no netpoller; while it is not, the run is not over. Those of
// them that wait aside, for an event from outside that may never come (Fd::wait_readable_aside),
// are in Sched::aside_fds as well: for them alone no run goes on and no busy P looks, so that
// sysmon finds their events after 10 ms at most, or the timekeeper at once, or whoever would
// declare the end of the run.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "runtime/poll/poll_desc.h"
#include "runtime/sched/g_list.h"

namespace gorun::runtime {

class Netpoll {
 public:
  /// A netpoller, or null and `error` (an errno).
  static std::unique_ptr<Netpoll> make(int& error);
  ~Netpoll();
  Netpoll(const Netpoll&) = delete;
  Netpoll& operator=(const Netpoll&) = delete;

  /// Differs from that of every other netpoller of the process.
  [[nodiscard]] std::uint64_t id() const { return id_; }

  /// Watches `pd`, which may be watched already. returns 0 or an errno; EPERM: not pollable.
  int add(PollDesc* pd);
  void remove(PollDesc* pd);

  /// Moves the goroutines of all descriptors that became ready to `woken`, to be made runnable by
  /// the caller. Does not block; finds nothing while another thread is at it.
  void poll(GList& woken);

  /// The same, but blocks until there is one, until `deadline` (monotonic nanoseconds) or
  /// break_wait(). returns whether it was broken; every wait() is then, until clear_break().
  [[nodiscard]] bool wait(std::int64_t deadline, GList& woken);

  /// Ends all that wait(), now or later. threads: any.
  void break_wait();
  void clear_break();

  /// When somebody last looked, or the largest value while a wait() lasts. A hint.
  [[nodiscard]] std::int64_t last_poll() const {
    return last_poll_.load(std::memory_order_relaxed);
  }

 private:
  Netpoll(int epoll, int event);

  const int epoll_;
  const int event_;  // an eventfd: readable breaks a wait
  const std::uint64_t id_;
  std::mutex polling_;  // one poll() at a time: a second would find nothing
  std::atomic<std::int64_t> last_poll_{0};
};

/// Has the run's netpoller watch `pd`, making the netpoller if need be. returns 0 or an errno.
int watch_fd(PollDesc* pd);

/// Undoes that before the descriptor is closed. threads: any.
void unwatch_fd(PollDesc* pd);

}  // namespace gorun::runtime
