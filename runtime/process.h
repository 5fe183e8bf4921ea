// runtime/process.h - waiting for a child without a thread: its pidfd is readable when it has
// ended.
#pragma once

#include "runtime/io.h"

namespace gorun::runtime {

/// How a child ended.
struct [[nodiscard]] ProcessEnd {
  IoStatus status = IoStatus::kOk;  // of the wait; else the next three say nothing
  int error = 0;                    // errno, of kError; ECHILD: reaped by somebody else
  int exit_code = 0;                // of exit()
  int signal = 0;                   // that ended it, or 0
};

/// Parks until the child behind `pidfd` has ended, then reaps it. The read deadline of `pidfd` and
/// close() end the wait, and leave the child as it is.
ProcessEnd wait_process(Fd& pidfd);

}  // namespace gorun::runtime
