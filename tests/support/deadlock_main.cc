// tests/support/deadlock_main.cc - `gorun FILE` with one more "needs", of which check would say
// that it cannot be met: gorun_deadlock FILE STAGE NEEDED. So the command is seen at a standstill,
// which no job file brings about.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "cli/cmd_run.h"
#include "jobs/load.h"

namespace {

std::size_t index_of(const gorun::jobs::Graph& graph, std::string_view name) {
  for (std::size_t s = 0; s < graph.stages.size(); ++s) {
    if (graph.stages[s].name == name) return s;
  }
  std::fprintf(stderr, "no such stage\n");
  std::exit(99);
}

}  // namespace

// AddressSanitizer may keep what a goroutine has on its stack elsewhere, where LeakSanitizer does
// not look once the goroutine waits for good.
extern "C" const char* __asan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "detect_stack_use_after_return=0";
}

int main(int argc, char** argv) {
  if (argc != 4) return 99;
  gorun::jobs::LoadedJob job =
      gorun::jobs::load_job(gorun::jobs::read_source(argv[1]).source, gorun::jobs::LoadOptions{});
  if (!job.graph.ok()) {
    std::fputs(gorun::jobs::render(job.source, job.graph.errors()).c_str(), stderr);
    return 99;
  }
  gorun::jobs::Graph& graph = *job.graph;
  graph.stages[index_of(graph, argv[2])].needs.push_back(index_of(graph, argv[3]));
  gorun::cli::Options options;
  options.argument = argv[1];
  options.verbosity = gorun::cli::Verbosity::kQuiet;
  gorun::cli::Screen screen(STDERR_FILENO, false);
  return static_cast<int>(gorun::cli::run_graph(options, graph, screen));
}
