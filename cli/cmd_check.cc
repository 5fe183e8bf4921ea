// cli/cmd_check.cc - `gorun check FILE`.

#include "cli/cmd_check.h"

#include <string>
#include <utility>
#include <variant>

#include "cli/job_file.h"
#include "cli/quantity.h"
#include "cli/standard_output.h"
#include "jobs/warnings.h"

namespace gorun::cli {

ExitCode cmd_check(const Options& options, Screen& screen) {
  const std::variant<jobs::LoadedJob, ExitCode> loaded = load_job(options, screen);
  if (const auto* status = std::get_if<ExitCode>(&loaded)) return *status;
  const auto& job = std::get<jobs::LoadedJob>(loaded);
  const jobs::Graph& graph = *job.graph;
  jobs::Diagnostics warnings = job.warnings;
  for (jobs::Diagnostic& warning : jobs::find_warnings(graph)) {
    warning.what = job.secrets.masked(std::move(warning.what));
    warning.hint = job.secrets.masked(std::move(warning.hint));
    warnings.push_back(std::move(warning));
  }
  const bool is_quiet = options.verbosity == Verbosity::kQuiet;
  if (!warnings.empty() && (!is_quiet || options.strict)) show(job.source, warnings, screen);
  if (!warnings.empty() && options.strict) return ExitCode::kJobFile;
  if (is_quiet) return ExitCode::kOk;
  const std::string name = options.argument == "-" ? "(standard input)" : options.argument;
  return print("gorun: " + name + ": ok, " + format_count(graph.stages.size(), "stage") + "\n");
}

}  // namespace gorun::cli
