// runtime/poll/poll_set.h - one list of ready descriptors that the kernel keeps: an epoll.
//
// What epoll keeps for us with a descriptor is the PollDesc's address and its sequence number in
// one word: addresses of user space have at most 48 bits of which the lowest 7 are zero, which
// leaves 23 for the number. An event whose number differs belongs to an earlier use of the block:
// ignored. That it may change right after the look does no harm, as a wake-up means only "look
// again". A word without an address is a note: a small number that means what the adder wants.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "runtime/poll/poll_desc.h"
#include "runtime/sched/g_list.h"

namespace gorun::runtime {

class alignas(128) PollSet {
 public:
  static constexpr std::uint32_t kMostNotes = 1u << 12;  // numbers of notes are below this

  /// A set, or null and `error` (an errno).
  static std::unique_ptr<PollSet> make(int& error);
  ~PollSet();
  PollSet(const PollSet&) = delete;
  PollSet& operator=(const PollSet&) = delete;

  /// Watches `pd` for both directions, edge-triggered: what is ready now is news as well. returns 0
  /// or an errno; EPERM: not pollable, EEXIST: watched here already.
  int add(PollDesc* pd);
  void remove(const PollDesc* pd);
  /// Watches what becomes readable and is none of the goroutines' own; reported as `number` for as
  /// long as it is readable. returns 0 or an errno.
  int add_note(int fd, std::uint32_t number);
  /// The same for `other` as a whole: it is readable while something in it is ready.
  int add_note(const PollSet& other, std::uint32_t number) {
    return add_note(other.epoll_, number);
  }
  void remove_note(const PollSet& other);

  /// Moves the goroutines of all descriptors that became ready to `woken`, and calls
  /// `noted(number)` for each note. Does not block; finds nothing while another thread is at it.
  template <class Noted>
  void look(GList& woken, std::int64_t now, Noted noted) {
    const std::unique_lock only(looking_, std::try_to_lock);
    if (!only.owns_lock()) return;
    if (last_look() != TimerHeap::kNever) last_look_.store(now, std::memory_order_relaxed);
    collect(events_, take(events_), woken, noted);
  }

  /// The same, but blocks until there is one, or until `deadline` (monotonic nanoseconds).
  template <class Noted>
  void wait(std::int64_t deadline, GList& woken, Noted noted) {
    Events events;
    collect(events, await(events, deadline), woken, noted);
  }

  /// When somebody last looked, or the largest value while somebody waits. A hint.
  [[nodiscard]] std::int64_t last_look() const {
    return last_look_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kMostEvents = 128;  // a call; what is left comes with the next one
  using Events = std::array<epoll_event, kMostEvents>;

  explicit PollSet(int epoll);

  int take(Events& events);
  int await(Events& events, std::int64_t deadline);
  static void collect(const epoll_event& event, GList& woken);
  static bool is_note(const epoll_event& event) { return event.data.u64 < kMostNotes; }
  template <class Noted>
  static void collect(const Events& events, int count, GList& woken, Noted noted) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      if (is_note(events[i])) {
        noted(static_cast<std::uint32_t>(events[i].data.u64));
      } else {
        collect(events[i], woken);
      }
    }
  }

  const int epoll_;
  std::mutex looking_;  // one look() at a time: a second would find nothing
  std::atomic<std::int64_t> last_look_;
  // Guarded by looking_. Not on the stack: who looks may be on that of a goroutine, whose second
  // page is not to be touched for this.
  Events events_;
};

}  // namespace gorun::runtime
