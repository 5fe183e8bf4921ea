// tests/jobs/run_job.h - a job file's text, run to its end.
#pragma once

#include <stdexcept>
#include <string>

#include "jobs/diagnostic.h"
#include "jobs/executor.h"
#include "jobs/load.h"

namespace gorun::test {

/// Loads and runs a job. A job file with mistakes throws what render() says of them.
[[nodiscard]] inline jobs::Outcome run_job(const std::string& text,
                                           const jobs::RunOptions& options) {
  const jobs::Source source("job.json", text);
  const jobs::Result<jobs::Graph> graph = jobs::load_job(source);
  if (!graph.ok()) throw std::runtime_error(jobs::render(source, graph.errors()));
  return jobs::execute(graph.value(), options);
}
[[nodiscard]] inline jobs::Outcome run_job(const std::string& text, int procs) {
  return run_job(text, jobs::RunOptions{.procs = procs});
}

/// The failures of all stages, "stage: what" a line.
[[nodiscard]] inline std::string failures_of(const jobs::Outcome& outcome) {
  std::string all;
  for (const jobs::StageOutcome& stage : outcome.stages) {
    for (const jobs::Failure& failure : stage.failures) {
      all += stage.name + ": " + failure.what + "\n";
    }
  }
  return all;
}

}  // namespace gorun::test
