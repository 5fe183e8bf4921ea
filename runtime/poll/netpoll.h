// runtime/poll/netpoll.h - the netpoller: which descriptors became ready, asked of the kernel.
//
// There is one netpoller per run, made when the first goroutine has to wait for a descriptor. A
// descriptor is added once, for both directions, edge-triggered, and stays until it is closed:
// nothing is armed or disarmed per operation.
//
// It is added to the set that all Ps share. A TCP connection that is read again and again while
// every P is busy gets a home: it moves to the set of the P that runs where the kernel takes its
// packets in (SO_INCOMING_CPU), which that P looks at first. So what the kernel and its goroutine
// touch for it stays in one cache, and two Ps do not meet at the lock of one epoll, which counts
// most where a line is long on its way between the two caches. A home is where a descriptor is
// looked for first, nothing more: who finds nothing there looks at all the others, and goroutines
// are stolen as ever. No P is home to many more than another, wherever packets come in.
//
// Who waits, waits for all: the homes' sets are in the common one, as epolls may be. But each event
// would then take the common set's lock as well, so a home leaves it when nobody has waited for
// 2 ms, and whoever is about to wait puts it back.
// Not chosen: the descriptor to the P that ran its goroutine last. Of two that talk to each other
// in one process it leaves half on different Ps for good.
// Source: socket(7), SO_INCOMING_CPU; epoll(7), on an epoll in another one.
//
// Who asks (sched/network.cc): an M that finds nothing to run looks before it steals and while it
// spins; a P that is busy looks now and then; sysmon looks when nobody did for 10 ms; and one of
// the Ms that sleep, the timekeeper, sleeps in here, so that an event or the next timer wakes it.
//
// Sched::armed_fds() counts the goroutines parked on a descriptor. While it is zero nobody polls,
// and a program without descriptors makes no netpoller; while it is not, the run is not over. Those
// of them that wait aside, for an event from outside that may never come (Fd::wait_readable_aside),
// are in Sched::aside_fds as well: for them alone no run goes on and no busy P looks, so that
// sysmon finds their events after 10 ms at most, or the timekeeper at once, or whoever would
// declare the end of the run.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "runtime/poll/poll_desc.h"
#include "runtime/poll/poll_set.h"
#include "runtime/sched/g_list.h"

namespace gorun::runtime {

class Netpoll {
 public:
  /// A netpoller of a run with at most `most_procs` Ps, or null and `error` (an errno).
  static std::unique_ptr<Netpoll> make(std::size_t most_procs, int& error);
  ~Netpoll();
  Netpoll(const Netpoll&) = delete;
  Netpoll& operator=(const Netpoll&) = delete;

  /// Differs from that of every other netpoller of the process.
  [[nodiscard]] std::uint64_t id() const { return id_; }

  /// Watches `pd`, which may be watched already. returns 0 or an errno; EPERM: not pollable.
  int add(PollDesc* pd);
  /// While no goroutine uses `pd`.
  void remove(PollDesc* pd);

  /// Where `pd` has its home: a P's number, or -1. With the turn of reading.
  [[nodiscard]] int home_of(const PollDesc& pd) const {
    return pd.home.netpoll == id_ ? pd.home.number : -1;
  }
  /// Gives `pd`, which is watched, a home at that P, unless it has many more than others already
  /// or the kernel refuses. With the turn of reading.
  void move(PollDesc* pd, int to);

  /// Whether events of those at home there take the lock of the common set. A snapshot.
  [[nodiscard]] bool is_in_common(int home) const {
    const Home* const there = home_at(home);
    return there != nullptr && there->in_common.load(std::memory_order_acquire);
  }

  /// Moves the goroutines of descriptors that became ready to `woken`, to be made runnable by the
  /// caller: of those at home at the P of number `own`; of all others as well if these are none or
  /// nobody has looked at the others for long. -1: of all. Does not block; finds nothing where
  /// another thread is at it.
  void poll(int own, std::int64_t now, GList& woken);

  /// Whether that P should look; `has_left`: not all that it found last has had its turn. While
  /// somebody wait()s, only because of those at home there.
  [[nodiscard]] bool is_due(int own, bool has_left) const;

  /// As poll() of all, but blocks until there is one, until `deadline` (monotonic nanoseconds) or
  /// break_wait(). returns whether it was broken; every wait() is then, until clear_break().
  [[nodiscard]] bool wait(std::int64_t deadline, GList& woken);

  /// Ends all that wait(), now or later. threads: any.
  void break_wait();
  void clear_break();

  /// Since when nobody has looked at some that are watched, or the largest value while a wait()
  /// lasts, which sees all. A hint.
  [[nodiscard]] std::int64_t unseen_since() const;

 private:
  struct Home {
    std::unique_ptr<PollSet> set;
    std::atomic<int> members{0};        // relaxed: a hint
    std::mutex lock;                    // while it joins or leaves the common set
    std::atomic<bool> in_common{true};  // written under lock

    [[nodiscard]] bool is_empty() const { return members.load(std::memory_order_relaxed) == 0; }
  };

  Netpoll(std::unique_ptr<PollSet> common, int event, std::size_t most_homes);

  [[nodiscard]] Home* home_at(int number) const {
    if (number < 0 || number >= most_homes_) return nullptr;
    return homes_[static_cast<std::size_t>(number)].load(std::memory_order_acquire);
  }
  template <class Visit>
  void for_each_home(Visit visit) const;
  Home* make_home(int number);  // or the one there is; null: the kernel refuses
  [[nodiscard]] bool has_room(const Home& home) const;
  void leave_common(Home& home, std::int64_t now);  // if nobody has waited for long
  bool join_common(Home& home, int number);         // returns false: the kernel refuses

  const std::unique_ptr<PollSet> common_;
  const int event_;  // an eventfd in common_: readable breaks a wait
  const std::uint64_t id_;
  const int most_homes_;
  std::mutex making_;                            // before Home::lock
  std::unique_ptr<std::atomic<Home*>[]> homes_;  // by P; made under making_, and then for good
  std::atomic<int> homes_end_{0};                // behind the last one. The same
  std::atomic<int> waiting_{0};                  // in wait(); see leave_common()
  std::atomic<std::int64_t> last_wait_{0};       // when one ended; relaxed, a hint
};

/// Has the run's netpoller watch `pd`, making the netpoller if need be. returns 0 or an errno.
int watch_fd(PollDesc* pd);

/// Undoes that before the descriptor is closed. threads: any.
void unwatch_fd(PollDesc* pd);

}  // namespace gorun::runtime
