// cli/cmd_run.cc - `gorun FILE`: load, run, show, report.

#include "cli/cmd_run.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <system_error>
#include <variant>

#include "cli/child_groups.h"
#include "cli/job_file.h"
#include "cli/log.h"
#include "cli/plan_text.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/run_observer.h"
#include "cli/signals.h"
#include "cli/standard_output.h"
#include "jobs/executor.h"
#include "jobs/graph.h"
#include "jobs/interrupt.h"

namespace gorun::cli {
namespace {

// True if commands of the job write to gorun's own standard error, past the Screen.
bool children_share_stderr(const jobs::Graph& graph) {
  return std::ranges::any_of(
      graph.stages, [](const jobs::StageSpec& stage) { return stage.kind->name == "exec"; });
}

// True if results appear on standard output while the job runs.
bool writes_to_stdout(const jobs::Graph& graph) {
  return std::ranges::any_of(graph.stages, [](const jobs::StageSpec& stage) {
    return (stage.kind->name == "write" && stage.options.text("path") == "-") ||
           (stage.kind->name == "exec" && stage.options.text("stdout") == "inherit");
  });
}

// A block that is redrawn in place may not share its terminal with anything that gorun does not
// write itself: redrawing would erase it.
ProgressStyle choose_style(const Options& options, const jobs::Graph& graph) {
  if (options.verbosity == Verbosity::kQuiet) return ProgressStyle::kNone;
  switch (options.progress) {
    case ProgressMode::kNone:
      return ProgressStyle::kNone;
    case ProgressMode::kPlain:
      return ProgressStyle::kLines;
    case ProgressMode::kBar:
      return ProgressStyle::kBlock;
    case ProgressMode::kAuto:
      break;
  }
  const bool shares_terminal =
      children_share_stderr(graph) || (isatty(STDOUT_FILENO) == 1 && writes_to_stdout(graph));
  return is_smart_terminal(STDERR_FILENO) && !shares_terminal ? ProgressStyle::kBlock
                                                              : ProgressStyle::kLines;
}

std::string signal_name(int signal) {
  return signal == SIGTERM ? "terminated" : signal == SIGHUP ? "hung up" : "interrupted";
}

// What the first, the second and the third signal do; see `gorun help run`.
void on_signal(int signal, int nth, jobs::Interrupt& interrupt, Screen& screen,
               const TerminalModes& modes) {
  if (nth == 1) {
    interrupt.raise();
    screen.message("gorun: " + signal_name(signal) +
                   ": stopping; a second signal kills the commands\n");
  } else if (nth == 2) {
    kill_child_groups();
    screen.message("gorun: " + signal_name(signal) +
                   " again: commands killed; a third signal leaves at once\n");
  } else {
    kill_child_groups();
    screen.clear_status();
    modes.restore();
    _exit(128 + signal);
  }
}

void report(const Options& options, const jobs::Graph& graph, const jobs::Outcome& outcome,
            Screen& screen) {
  screen.message(deadlock_lines(screen, outcome));
  screen.message(failure_list(screen, graph, outcome));
  if (options.verbosity == Verbosity::kQuiet) return;
  if (options.verbosity == Verbosity::kVerbose) screen.message(stage_table(outcome));
  screen.message(closing_line(screen, graph, outcome));
}

}  // namespace

ExitCode cmd_run(const Options& options, Screen& screen) {
  std::variant<jobs::Graph, ExitCode> loaded = load_graph(options, screen);
  if (const auto* status = std::get_if<ExitCode>(&loaded)) return *status;
  auto& graph = std::get<jobs::Graph>(loaded);
  if (options.keep_going) graph.fail = jobs::FailPolicy::kKeepGoing;
  if (options.dry_run) return print(graph.secrets.masked(dry_run_text(graph)));

  try {
    const TerminalModes modes;
    jobs::Interrupt interrupt;
    const SignalWatch signals(
        [&](int signal, int nth) { on_signal(signal, nth, interrupt, screen, modes); });
    const Log log(screen, options.log_level);
    ProgressDisplay display(screen, choose_style(options, graph));
    RunObserver observer(screen, display, log);
    const jobs::Outcome outcome = jobs::execute(graph, {.procs = options.procs,
                                                        .observer = &observer,
                                                        .interrupt = &interrupt,
                                                        .timeout = options.timeout});
    display.end();
    report(options, graph, outcome, screen);
    return exit_code(outcome, signals.first_signal());
  } catch (const std::system_error& error) {
    screen.message("gorun: error: cannot run the job: " + std::string(error.what()) + "\n");
    return ExitCode::kFailed;
  }
}

}  // namespace gorun::cli
