// cli/cmd_map.cc - `gorun map`.

#include "cli/cmd_map.h"

#include <string>
#include <utility>

#include "cli/cmd_run.h"
#include "cli/map_job.h"
#include "cli/standard_output.h"
#include "jobs/diagnostic.h"
#include "jobs/load.h"

namespace gorun::cli {

ExitCode cmd_map(const Options& options, Screen& screen) {
  std::string text = map_job_text(options.map);
  if (options.map.print) return print(text);
  const jobs::Source source("gorun map", std::move(text));
  const jobs::Result<jobs::Graph> graph = jobs::load_job(source);
  if (!graph.ok()) {
    screen.message(jobs::render(source, graph.errors()));
    return ExitCode::kUsage;
  }
  return run_graph(options, graph.value(), screen);
}

}  // namespace gorun::cli
