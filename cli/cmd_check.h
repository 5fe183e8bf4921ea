// cli/cmd_check.h - `gorun check FILE`: every mistake in a job file, and nothing is run.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace gorun::cli {

/// Prints "FILE: ok, N stages" unless quiet, or writes the mistakes to `screen`.
[[nodiscard]] ExitCode cmd_check(const Options& options, Screen& screen);

}  // namespace gorun::cli
