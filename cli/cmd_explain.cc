// cli/cmd_explain.cc - `gorun explain FILE`.

#include "cli/cmd_explain.h"

#include <variant>

#include "cli/job_file.h"
#include "cli/plan_text.h"
#include "cli/standard_output.h"

namespace gorun::cli {

ExitCode cmd_explain(const Options& options, Screen& screen) {
  const std::variant<jobs::Graph, ExitCode> loaded = load_graph(options, screen);
  if (const auto* status = std::get_if<ExitCode>(&loaded)) return *status;
  const auto& graph = std::get<jobs::Graph>(loaded);
  return print(graph.secrets.masked(explain_text(graph)));
}

}  // namespace gorun::cli
