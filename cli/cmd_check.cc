// cli/cmd_check.cc - `gorun check FILE`.

#include "cli/cmd_check.h"

#include <string>
#include <variant>

#include "cli/job_file.h"
#include "cli/quantity.h"
#include "cli/standard_output.h"

namespace gorun::cli {

ExitCode cmd_check(const Options& options, Screen& screen) {
  const std::variant<jobs::Graph, ExitCode> loaded = load_graph(options, screen);
  if (const auto* status = std::get_if<ExitCode>(&loaded)) return *status;
  if (options.verbosity == Verbosity::kQuiet) return ExitCode::kOk;
  const std::size_t stages = std::get<jobs::Graph>(loaded).stages.size();
  const std::string name = options.argument == "-" ? "(standard input)" : options.argument;
  return print("gorun: " + name + ": ok, " + format_count(stages, "stage") + "\n");
}

}  // namespace gorun::cli
