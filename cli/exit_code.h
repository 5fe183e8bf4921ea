// cli/exit_code.h - what the command's exit status says, all of it in one place.
//
// Scripts and CI branch on these numbers: a number keeps its meaning for ever. 128 + n is what a
// shell reports for a process that signal n ended, so that an interrupted gorun looks like any
// other interrupted command.
#pragma once

namespace gorun::cli {

enum class ExitCode : int {
  kOk = 0,             // all stages succeeded
  kFailed = 1,         // a stage or an item failed
  kUsage = 2,          // the command line is wrong; nothing was run
  kJobFile = 3,        // the job file is wrong or cannot be read; nothing was run
  kDeadlock = 5,       // every goroutine waits for another one
  kInternal = 70,      // a bug in gorun
  kOutput = 74,        // an output could not be written
  kTimedOut = 124,     // --timeout of the whole run, as timeout(1) reports it
  kHungUp = 129,       // SIGHUP
  kInterrupted = 130,  // SIGINT
  kTerminated = 143,   // SIGTERM
};

}  // namespace gorun::cli
