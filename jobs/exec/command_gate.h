// jobs/exec/command_gate.h - when a command may start, beyond the number of workers.
//
// A worker passes the gate before it starts a command and leaves it when the command has ended, as
// it takes and gives back places in a pool. One at a time stands in the gate and waits for its
// turn: for the load to fall, for memory to become free, for a token of make's jobserver. The
// others wait behind it, first come, first served; all of them are parked goroutines. As for make,
// load and memory never hold back the only command of a run, or nothing would ever change.
//
// Load is the number of processes that run or wait to run at this moment (/proc/loadavg, the fourth
// field), as GNU parallel and make 4.4 have it: the averages beside it tell of the last minute and
// let a whole minute's commands start at once. What was started in the last kSettling is added,
// because it does not show yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>

#include "jobs/exec/jobserver.h"
#include "runtime/cancel.h"
#include "runtime/chan.h"
#include "runtime/io.h"
#include "runtime/semaphore.h"
#include "runtime/timer.h"

namespace gorun::jobs {

/// What the machine says of itself; a test says something else.
struct MachineState {
  std::function<std::optional<double>()> running;                 // processes, but for this one
  std::function<std::optional<std::int64_t>()> available_memory;  // bytes
};
/// From /proc. A value that cannot be read is none, and holds nothing back.
[[nodiscard]] MachineState machine_state();

class CommandGate {
 public:
  struct Limits {
    std::optional<double> max_load;       // no start while so many processes run, or more
    std::optional<std::int64_t> memfree;  // no start while less memory is available
    [[nodiscard]] bool any() const { return max_load || memfree; }
  };
  /// jobserver  nullptr: none; outlives the gate.
  CommandGate(const Limits& limits, Jobserver* jobserver, MachineState machine);

  /// Before the first pass(), in a goroutine.
  /// errors  std::system_error if the process has no descriptor left.
  void open();

  /// The right to run a command, from pass() to leave().
  struct Permit {
    std::optional<Jobserver::Token> token;
  };
  enum class WithToken : bool { kNo, kYes };
  /// Parks until a command may start; nothing if `cancel` is cancelled before.
  /// threads  any goroutine.
  [[nodiscard]] std::optional<Permit> pass(WithToken with_token, const runtime::Cancel& cancel);
  void leave(const Permit& permit);

 private:
  [[nodiscard]] bool is_open();
  [[nodiscard]] bool wait_until_open(const runtime::Cancel& cancel);
  [[nodiscard]] std::optional<Jobserver::Token> wait_for_token(const runtime::Cancel& cancel);

  const Limits limits_;
  Jobserver* const jobserver_;
  const MachineState machine_;
  runtime::Semaphore turn_{1};
  runtime::Fd tokens_;  // wakes who waits for one; owned by the turn
  runtime::Chan<runtime::Unit> idle_{1};
  std::atomic<std::int64_t> running_{0};  // permits; acq_rel: who sees 0 sees what leave() did
  runtime::Nanos last_start_{0};          // guarded by turn_
  std::int64_t starts_unsettled_ = 0;     // guarded by turn_
};

}  // namespace gorun::jobs
