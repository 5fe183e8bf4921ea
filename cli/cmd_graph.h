// cli/cmd_graph.h - `gorun graph FILE`: the graph of a job as a drawing; nothing is run.
#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace gorun::cli {

/// Prints the graph that `options` names, or writes what is wrong to `screen`. SVG is made by the
/// `dot` of Graphviz; without it, and when it fails, the status is kFailed.
[[nodiscard]] ExitCode cmd_graph(const Options& options, Screen& screen);

}  // namespace gorun::cli
