// cli/job_file.h - the job file of a command line: read, checked, and its mistakes shown.
#pragma once

#include <optional>
#include <variant>

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "jobs/graph.h"
#include "jobs/load.h"

namespace gorun::cli {

/// The graph that `options` names, or the exit status after every mistake was written to `screen`:
/// kJobFile, or kUsage if only the command line is to blame (a --set that does not fit, a word that
/// is neither a command nor a file). What has no effect in the file is shown, unless all is quiet.
[[nodiscard]] std::variant<jobs::Graph, ExitCode> load_graph(const Options& options,
                                                             Screen& screen);

/// The same with the text of the job file, for what is said of it later. The graph is there.
[[nodiscard]] std::variant<jobs::LoadedJob, ExitCode> load_job(const Options& options,
                                                               Screen& screen);

/// Writes a list of mistakes or warnings to `screen`.
void show(const jobs::Source& source, const jobs::Diagnostics& diagnostics, Screen& screen);

}  // namespace gorun::cli
