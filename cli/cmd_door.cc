#include "cli/cmd_door.h"

#include <string>
#include <utility>

#include "cli/cmd_run.h"
#include "cli/count_job.h"
#include "cli/map_job.h"
#include "cli/standard_output.h"
#include "jobs/diagnostic.h"
#include "jobs/load.h"

namespace gorun::cli {

ExitCode cmd_door(const Options& options, Screen& screen) {
  const bool counts = options.command == Command::kCount;
  std::string text = counts ? count_job_text(options.count) : map_job_text(options.map);
  if (counts ? options.count.print : options.map.print) return print(text);
  const jobs::Source source(counts ? "gorun count" : "gorun map", std::move(text));
  const jobs::Result<jobs::Graph> graph = jobs::load_job(source);
  if (!graph.ok()) {
    screen.message(jobs::render(source, graph.errors()));
    return ExitCode::kUsage;
  }
  return run_graph(options, graph.value(), screen);
}

}  // namespace gorun::cli
