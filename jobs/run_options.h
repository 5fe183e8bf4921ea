// jobs/run_options.h - how a graph is run, as far as the job file does not say.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "jobs/interrupt.h"
#include "jobs/observer.h"

namespace gorun::jobs {

class Jobserver;

struct RunOptions {
  int procs = 0;                   // Ps; 0: Graph::procs, and if that is 0 what the runtime takes
  Observer* observer = nullptr;    // not owned; nullptr: nobody watches
  Interrupt* interrupt = nullptr;  // not owned; nullptr: the run cannot be stopped from outside
  /// Raised: sources end, no further command or request begins, what is under way comes to its end,
  /// as after a failure with "fail": "drain". Not owned; nullptr: nobody asks for that.
  Interrupt* drain = nullptr;
  std::optional<std::chrono::nanoseconds> timeout = {};  // of the whole run
  Jobserver* jobserver = nullptr;                        // for commands; not owned; nullptr: none
  bool always_run = false;    // commands run although they are up to date
  bool paranoid = false;      // what caches say of files is not trusted
  bool folds_output = false;  // what a command says as a group is folded in logs of GitHub
  /// Not 0: runtime::Options::deterministic, so that pauses cost nothing; also the seed of jitter.
  std::uint64_t deterministic = 0;
  std::uint64_t jitter = 0;  // runtime::Options::jitter, for tests
};

}  // namespace gorun::jobs
