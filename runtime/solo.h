// runtime/solo.h - solo: while one P alone is busy, Ps share nothing, and no instruction is locked
// for their sake.
//
// Many a run with many Ps has long stretches in which one does all the work: goroutines that hand
// values to each other in turn, a main goroutine that spawns and joins. Channels are then locked,
// selects claimed and queues popped for nobody. So the M that owns the only busy P, in a section
// that it entered while solo() was true, goes without; the sections of one M exclude each other.
//
//   it ends    by whoever takes a second P (Sched::take_idle): solo = false, under Sched::lock.
//              Before it touches what Ps share it sees the M of the first one out of the runtime,
//              after a membarrier (Sched::await_soloist): what that M enters later is not solo.
//   it begins  by sysmon, when one P at most is busy, and no second one was taken for a while.
//
// solo() may change at any time within a section, either way. To true: nobody else is left that
// could be in one. To false: nobody else comes in before the section has ended. So each operation
// asks for itself, and what ends it must fit both (RtLock::unlock, Select::unlock).
//
// A run that may never have more than one P is solo throughout; one without membarrier never is.
// The protocol is checked in tests/model/solo.pml.
#pragma once

#include <atomic>

namespace gorun::runtime {

extern std::atomic<bool> is_solo;

/// Whether the M that asks may rely on being alone until it leaves the runtime. In the runtime.
inline bool solo() {
  // Acquire: pairs with Sched::begin_solo(), before which all others went idle.
  return is_solo.load(std::memory_order_acquire);
}

}  // namespace gorun::runtime
