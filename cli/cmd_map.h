// cli/cmd_map.h - `gorun map -- COMMAND`: a command for each line of standard input.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace gorun::cli {

/// Runs the job of map_job.h, or prints it. Call it before any other thread exists, as cmd_run().
[[nodiscard]] ExitCode cmd_map(const Options& options, Screen& screen);

}  // namespace gorun::cli
