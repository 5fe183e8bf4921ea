// cli/cmd_count.h - `gorun count PATH...`: how often each word, line or match occurs.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace gorun::cli {

/// Runs the job of count_job.h, or prints it. Call it before any other thread exists, as cmd_run().
[[nodiscard]] ExitCode cmd_count(const Options& options, Screen& screen);

}  // namespace gorun::cli
