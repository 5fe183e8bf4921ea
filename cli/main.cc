// cli/main.cc - the gorun command: parse, dispatch, and the outcome as an exit status.

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <variant>

#include "cli/cmd_check.h"
#include "cli/cmd_door.h"
#include "cli/cmd_explain.h"
#include "cli/cmd_graph.h"
#include "cli/cmd_hash.h"
#include "cli/cmd_run.h"
#include "cli/cmd_schema.h"
#include "cli/cmd_stages.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/standard_output.h"
#include "cli/terminal.h"

namespace gorun::cli {
namespace {

ExitCode dispatch(const Options& options) {
  const bool colors = options.color == ColorMode::kAlways ||
                      (options.color == ColorMode::kAuto && wants_colors(STDERR_FILENO));
  Screen screen(STDERR_FILENO, colors);
  switch (options.command) {
    case Command::kRun:
      return cmd_run(options, screen);
    case Command::kMap:
    case Command::kCount:
      return cmd_door(options, screen);
    case Command::kCheck:
      return cmd_check(options, screen);
    case Command::kGraph:
      return cmd_graph(options, screen);
    case Command::kExplain:
      return cmd_explain(options, screen);
    case Command::kStages:
      return cmd_stages(options);
    case Command::kHash:
      return cmd_hash(options, screen);
    case Command::kSchema:
      return cmd_schema();
    case Command::kHelp:
      break;  // parse_options() answers it
  }
  return ExitCode::kInternal;
}

ExitCode run_command(int argc, char** argv) {
  reserve_standard_descriptors();
  set_dispositions();
  const auto parsed = parse_options(argc, argv);
  if (const auto* answer = std::get_if<Answer>(&parsed)) return print(answer->text);
  if (const auto* error = std::get_if<UsageError>(&parsed)) {
    std::fputs(render(*error).c_str(), stderr);
    return ExitCode::kUsage;
  }
  return dispatch(std::get<Options>(parsed));
}

}  // namespace
}  // namespace gorun::cli

int main(int argc, char** argv) {
  try {
    return static_cast<int>(gorun::cli::run_command(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gorun: internal error: %s\n", error.what());
    return static_cast<int>(gorun::cli::ExitCode::kInternal);
  }
}
