// cli/cmd_explain.h - `gorun explain FILE`: what would run, and why; nothing is run.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace gorun::cli {

[[nodiscard]] ExitCode cmd_explain(const Options& options, Screen& screen);

}  // namespace gorun::cli
