// cli/cmd_count.cc - `gorun count`.

#include "cli/cmd_count.h"

#include <string>
#include <utility>

#include "cli/cmd_run.h"
#include "cli/count_job.h"
#include "cli/standard_output.h"
#include "jobs/diagnostic.h"
#include "jobs/load.h"

namespace gorun::cli {

ExitCode cmd_count(const Options& options, Screen& screen) {
  std::string text = count_job_text(options.count);
  if (options.count.print) return print(text);
  const jobs::Source source("gorun count", std::move(text));
  const jobs::Result<jobs::Graph> graph = jobs::load_job(source);
  if (!graph.ok()) {
    screen.message(jobs::render(source, graph.errors()));
    return ExitCode::kUsage;
  }
  return run_graph(options, graph.value(), screen);
}

}  // namespace gorun::cli
