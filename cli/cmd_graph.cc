// cli/cmd_graph.cc - `gorun graph FILE`.

#include "cli/cmd_graph.h"

#include <cerrno>
#include <string>
#include <variant>

#include "cli/graph_text.h"
#include "cli/job_file.h"
#include "cli/printable.h"
#include "cli/standard_output.h"
#include "jobs/child_pump.h"
#include "jobs/subprocess.h"

namespace gorun::cli {
namespace {

// A drawing of 10,000 stages has some 10 MB.
constexpr std::size_t kMaxSvg = std::size_t{1} << 30;

ExitCode print_svg(const std::string& dot, Screen& screen) {
  jobs::Command command;
  command.argv = {"dot", "-Tsvg"};
  command.stdin_mode = jobs::StreamMode::kPipe;
  const auto finished = jobs::run_child(command, {.input = dot}, kMaxSvg);
  if (!finished.ok()) {
    const bool is_missing = finished.error().error_number == ENOENT;
    screen.message("gorun: error: " + printable(finished.error().message()) + "\n" +
                   (is_missing ? "  hint: install Graphviz, or type --format dot\n" : ""));
    return ExitCode::kFailed;
  }
  if (finished->result.signal != 0 || finished->result.exit_code != 0) {
    screen.message("gorun: error: dot -Tsvg: " + finished->result.message() + "\n");
    return ExitCode::kFailed;
  }
  return print(finished->out);
}

}  // namespace

ExitCode cmd_graph(const Options& options, Screen& screen) {
  const std::variant<jobs::Graph, ExitCode> loaded = load_graph(options, screen);
  if (const auto* status = std::get_if<ExitCode>(&loaded)) return *status;
  const auto& graph = std::get<jobs::Graph>(loaded);
  switch (options.graph_format) {
    case GraphFormat::kDot:
      return print(graph.secrets.masked(dot_text(graph)));
    case GraphFormat::kMermaid:
      return print(graph.secrets.masked(mermaid_text(graph)));
    case GraphFormat::kSvg:
      return print_svg(graph.secrets.masked(dot_text(graph)), screen);
  }
  return ExitCode::kInternal;
}

}  // namespace gorun::cli
