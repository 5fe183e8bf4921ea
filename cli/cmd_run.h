// cli/cmd_run.h - `gorun FILE`: load, run, show, report.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "jobs/graph.h"

namespace gorun::cli {

/// Runs the job file. Call it before any other thread exists: it takes over the signals.
[[nodiscard]] ExitCode cmd_run(const Options& options, Screen& screen);

/// The same for a graph that is there already.
[[nodiscard]] ExitCode run_graph(const Options& options, jobs::Graph graph, Screen& screen);

}  // namespace gorun::cli
