// cli/cmd_door.h - the doors that need no job file: `gorun map` (a command for each line of
// standard input) and `gorun count` (words, lines, matches below paths). Behind each is a job file
// of a few lines, which --print shows.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace gorun::cli {

/// Runs the job of map_job.h or count_job.h, whichever options.command asks for, or prints it. Call
/// it before any other thread exists, as cmd_run().
[[nodiscard]] ExitCode cmd_door(const Options& options, Screen& screen);

}  // namespace gorun::cli
