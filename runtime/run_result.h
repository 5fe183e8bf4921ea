// runtime/run_result.h - how a run ended, and the report on goroutines that never did.
//
// The runtime prints nothing about it: run() returns a RunResult, and whoever started the run
// decides what to do with describe(result). A deadlock of four goroutines reads
//
//   fatal: all goroutines are parked - deadlock
//   goroutine 1 [wait group, 2.1 s]: spawned at cli/cmd_run.cc:61
//   goroutine 7 "reader" [chan receive, chan "lines" 0/16, 2.1 s]: spawned at jobs/stage.cc:12
//   goroutine 8 [select, receive chan 1 0/4, send chan 2 unbuffered]: spawned at jobs/stage.cc:40
//   goroutine 9 [chan send, chan 2 unbuffered, 5 min]: spawned at jobs/stage.cc:47
//   goroutine 12 [chan receive, chan 3 0/8 without sender, 1.0 s]: spawned at jobs/stage.cc:51
//
// Channels without a label are numbered within one report, in the order of their appearance: equal
// numbers mean the same channel. Waits shorter than a second, the clock being coarse, are not
// shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/spawn_site.h"
#include "runtime/timer.h"
#include "runtime/wait_reason.h"

namespace gorun::runtime {

/// A channel that a parked goroutine wants to use.
struct WaitedChannel {
  enum class Way : std::uint8_t { kReceive, kSend };
  Way way = Way::kReceive;
  const void* identity = nullptr;  // the same for the same channel; not to be followed
  std::string label;               // Chan::set_label(), else empty
  std::size_t fill = 0, capacity = 0;
  bool is_freed = false;     // its last handle went away while the goroutine waited
  bool is_orphaned = false;  // no handle is left that could do the other half (chan_ends.h)
};

/// One goroutine, for reports.
struct GoroutineInfo {
  std::uint64_t id = 0;  // 1 is the main goroutine
  std::string label;     // set_label(), else empty
  WaitReason reason = WaitReason::kNone;
  SpawnSite spawned;
  Nanos waited{0};                      // since it parked, until the run ended; to some 10 ms
  std::vector<WaitedChannel> channels;  // one for a send or receive, any number for a select
};

/// How a run ended. `stuck` names the goroutines that were parked for good, oldest first.
struct RunResult {
  enum class Outcome {
    kFinished,    // the main goroutine returned and so did all others
    kLeaked,      // the main goroutine returned; those in `stuck` can never wake
    kDeadlocked,  // every goroutine, main included, is parked and nothing can wake one
  };
  Outcome outcome = Outcome::kFinished;
  std::vector<GoroutineInfo> stuck;
};

/// The report on a run that left goroutines behind, as above: lines, each with its newline; empty
/// for a finished run. Of very many goroutines the first hundred are shown and the others counted.
[[nodiscard]] std::string describe(const RunResult& result);

/// The report on goroutines that leaked while their run goes on (Runtime::leaked()); empty for
/// none.
[[nodiscard]] std::string describe(const std::vector<GoroutineInfo>& leaked);

}  // namespace gorun::runtime
