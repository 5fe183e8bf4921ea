// runtime/poll/poll_desc.h - one descriptor as the netpoller sees it, and the two goroutines at
// most that wait for it.
//
// Each direction (side) has one word:
//
//   kNil     nothing known, nobody waits
//   kReady   an event came and nobody has used it yet
//   kWait    a goroutine is about to park here
//   a G      it is parked here
//
//   wait      kReady -> kNil: go on without parking
//             kNil -> kWait, then look at `closed` and the deadline, then park; once the registers
//             are saved the commit does kWait -> G. If it cannot, the event came meanwhile, and the
//             commit itself makes the goroutine ready again.
//   unblock   kNil, kWait or G -> kReady for an event; kWait or G -> kNil for a closing, a due
//   timer
//             or a changed deadline. Whoever replaces a G is its one waker.
//
// Only the goroutine that has the side's turn (FdLock) waits there, so no third party meets in a
// word. A waiter announces itself before it looks at `closed` and `deadline`; whoever changes those
// does so before it unblocks. Both with seq_cst: one of the two sees the other.
//
// What a wake-up means is only "look again": every operation tries first, waits when the kernel
// says it would block, and tries again. A wake-up too many costs one system call and is never
// wrong.
//
// A deadline is a time kept here; a timer exists only while a goroutine is parked, in its frame. So
// a pending deadline does not keep a run from ending, a reset one leaves no timer behind that could
// fire for it, and an operation that does not park pays one look at the clock.
// Not chosen: one long-lived timer a side as in Go, with a sequence number against stale firing.
//
// A TCP socket on which a goroutine has once waited for input says with each read how much is left
// (TCP_INQ). Nothing left and no event since: the next read does not try, but waits at once, which
// spares every second read of a request and its answer. What comes after that read is an event.
// Not chosen: to read by plain recv where that left nothing many times, to wait on trust, and to
// ask
//   poll(2) now and then for all who do. It was 2.5 to 4 % faster with small messages (control data
//   makes a read that much dearer), but what was left would wait until its P looks.
//
// Blocks come from a pool that is never freed: an event of a descriptor closed in the meantime
// finds a PollDesc, if of another descriptor. The sequence number, part of what epoll hands back,
// tells. Prior art: Go, src/runtime/netpoll.go.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "runtime/poll/fd_lock.h"
#include "runtime/poll/poll_mode.h"
#include "runtime/sched/timer_heap.h"

namespace gorun::runtime {

struct G;

/// Does the socket tell how much input is left?
enum class InputQueue : std::uint8_t { kNotAsked, kTold, kUntold };

/// How a wait for a descriptor ended.
enum class PollStatus : std::uint8_t {
  kReady,       // or perhaps: look again
  kClosed,      // the handle was closed
  kTimedOut,    // the side's deadline has passed
  kUnpollable,  // epoll does not take such files: they never make one wait
  kFailed,      // epoll refused; see the error
};

struct PollResult {
  PollStatus status = PollStatus::kReady;
  int error = 0;  // errno, of kFailed
};

/// What a descriptor is, as far as input and output differ.
enum class FdKind : std::uint8_t {
  kSocket,  // non-blocking
  kStream,  // pipe, tty, eventfd, pidfd: non-blocking
  kShared,  // the same, but its open file belongs to others as well: left in blocking mode
  kFile,    // a regular file, a directory, a disk: always ready, yet slow
};

// A multiple of 128 bytes, so that its address leaves low bits for the tag (netpoll_epoll.cc).
struct alignas(128) PollDesc {
  struct Side {
    std::atomic<std::uintptr_t> word{0};
    std::atomic<std::int64_t> deadline{TimerHeap::kNever};  // monotonic nanoseconds
  };

  /// From the pool, for `fd`; owned by one handle and one open descriptor (see disown()).
  static PollDesc* acquire(int fd, FdKind kind);
  /// Gives up one of the two ownerships; the second one to go returns the block to the pool.
  void disown();

  /// Fails a side whose handle is closed or whose deadline has passed; forgets an event that came
  /// before now; waits if the attempt would be in vain. With the turn of `mode`; before the
  /// attempt.
  [[gnu::always_inline]] PollResult prepare(PollMode mode, WaitReason reason) {
    Side& s = side(mode);
    if (lock.is_closed()) return {PollStatus::kClosed, 0};
    const std::int64_t deadline = s.deadline.load(std::memory_order_seq_cst);
    if (deadline != TimerHeap::kNever && is_past(deadline)) return {PollStatus::kTimedOut, 0};
    // Nobody waits here, so the word is kNil or kReady, and what made it ready the attempt will
    // see.
    if (s.word.load(std::memory_order_acquire) == kReady) {
      s.word.store(kNil, std::memory_order_relaxed);
      if (mode == PollMode::kRead) drained = false;
    }
    if (mode == PollMode::kRead && drained) {
      drained = false;
      return wait(mode, reason);
    }
    return {};
  }

  /// Parks the caller until the side may be ready. On a goroutine that has the turn of `mode`.
  PollResult wait(PollMode mode, WaitReason reason);

  /// Sets the deadline of a side and has its waiter look again. On a goroutine, counted in.
  void set_deadline(PollMode mode, std::int64_t when);

  /// Wakes both waiters, of a handle that was just closed. On a goroutine, counted in.
  void evict();

  // What a side's word may be; Gs are aligned, so none has one of these addresses.
  static constexpr std::uintptr_t kNil = 0;
  static constexpr std::uintptr_t kReady = 1;
  static constexpr std::uintptr_t kWait = 2;

  static bool is_past(std::int64_t deadline);

  static constexpr std::uint8_t kFirstSettle = 16;

  Side& side(PollMode mode) { return sides[static_cast<int>(mode)]; }

  FdLock lock;
  int fd = -1;
  FdKind kind = FdKind::kStream;
  std::atomic<bool> nowait_reads{true};  // kFile: preadv2 knows RWF_NOWAIT there. Relaxed, a hint
  InputQueue input_queue = InputQueue::kNotAsked;  // kSocket. With the turn of kRead, as the next
  std::atomic<bool> is_served{false};              // read again and again. Relaxed: a hint
  bool drained = false;                      // the last read left nothing, and no event came since
  std::uint8_t until_settle = kFirstSettle;  // waits left until it looks for a home. The same
  struct Home {
    std::uint64_t netpoll = 0;  // the id of the one that gave it, or 0
    int number = 0;
  } home;                                       // With the turn of kRead
  std::atomic<std::uint32_t> sequence{0};       // this use of the block; changes while free
  std::atomic<std::uint64_t> registered_in{0};  // the id of the netpoller that watches it, or 0
  std::atomic<bool> unpollable{false};
  std::atomic<int> owners{0};
  PollDesc* next_free = nullptr;  // guarded by the pool
  Side sides[2];
};

/// Replaces the side's word. `event`: kReady comes of it, else kNil. returns the G to make ready.
G* unblock(PollDesc::Side& side, bool event);

}  // namespace gorun::runtime
