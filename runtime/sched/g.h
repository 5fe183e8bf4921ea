// runtime/sched/g.h - G: one goroutine.
//
// A G is a small pooled block: its saved context, its state, and the closure it is to run. It gets
// a stack when it first runs and not before, so a million queued goroutines cost a million blocks
// and not a million pages.
//
// States (who may change them):
//   kIdle      in a pool                                        the pool's owner
//   kRunnable  in exactly one run queue                         whoever put it there
//   kRunning   on an M                                          that M
//   kWaiting   parked; nobody but its waker may touch it        the G itself, before its commit
//   kBlocked   in a marked blocking call, on an M               the G itself
//   kAbandoned parked when its run ended; never runs again      the run, once all Ms are gone
// A waiting G is made runnable by exactly one waker: the one who took its waiter off a queue under
// that queue's lock, or won the claim word of a select.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/arch/stack.h"
#include "runtime/spawn_site.h"
#include "runtime/wait_queue.h"
#include "runtime/wait_reason.h"

namespace gorun::runtime {

struct M;

enum class GStatus : std::uint8_t { kIdle, kRunnable, kRunning, kWaiting, kBlocked, kAbandoned };

/// The thread's exception state (caught stack and count of uncaught ones), in the layout of the
/// Itanium C++ ABI, section 2.2.2. It belongs to the goroutine, not to the thread.
struct ExceptionState {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

struct alignas(64) G {
  // The first cache line is all that a waker and a switch touch, but for the end of `waiter`. It is
  // why the waiter is here and not in the frame that waits: who wakes a crowd goes through blocks
  // that lie side by side, instead of as many stacks.
  void* context = nullptr;  // saved stack pointer; null: never ran. Owner, or nobody
  G* next = nullptr;        // link in the one queue or pool that holds it
  std::atomic<GStatus> status{GStatus::kIdle};
  std::atomic<WaitReason> reason{WaitReason::kNone};  // valid while kWaiting; relaxed, for reports
  bool has_exceptions = false;                        // `exceptions` holds something to restore
  StackClass stack_class = StackClass::kMedium;       // of the stack that it has or will get
  bool locked = false;              // wired to locked_m: in no local queue, ever. The G itself
  Waiter waiter;                    // for one wait at a time; as wait_queue.h says
  arch::Stack* stack = nullptr;     // null until it first runs
  const void* parked_on = nullptr;  // the arg of park(). Valid while kWaiting, for reports
  std::int64_t parked_since = 0;    // by the coarse clock. The same
  std::uint64_t id = 0;
  std::string* label = nullptr;          // owned; deleted when the G ends
  M* locked_m = nullptr;                 // the one M that may run it. Valid while `locked`
  void (*run)(void* closure) = nullptr;  // calls the closure, then destroys it
  ExceptionState exceptions;
  SpawnSite spawned;

  // Small closures live here, others on the heap behind a pointer kept here.
  static constexpr std::size_t kClosureRoom = 256 - 176;
  alignas(16) std::byte closure[kClosureRoom];
};
static_assert(sizeof(G) == 256, "a parked goroutine costs one page and this block");
static_assert(offsetof(G, waiter) + offsetof(Waiter, g) == 64);

}  // namespace gorun::runtime
