// cli/cmd_run.cc - `gorun FILE`: load, run, show, report.

#include "cli/cmd_run.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <variant>

#include "cli/child_groups.h"
#include "cli/github.h"
#include "cli/job_file.h"
#include "cli/junit.h"
#include "cli/log.h"
#include "cli/plan_text.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/run_observer.h"
#include "cli/signals.h"
#include "cli/standard_output.h"
#include "jobs/exec/child_guard.h"
#include "jobs/executor.h"
#include "jobs/graph.h"
#include "jobs/interrupt.h"
#include "jobs/output_file.h"

namespace gorun::cli {
namespace {

// Commands of a shell that are jobs inside: who types them expects to hear of what went wrong, and
// of nothing else.
bool is_door(const Options& options) {
  return options.command == Command::kMap || options.command == Command::kCount;
}

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
  if (options.command == Command::kMap) return ProgressStyle::kNone;
  const bool shares_terminal =
      children_share_stderr(graph) || (isatty(STDOUT_FILENO) == 1 && writes_to_stdout(graph));
  return is_smart_terminal(STDERR_FILENO) && !shares_terminal ? ProgressStyle::kBlock
                                                              : ProgressStyle::kLines;
}

std::string signal_name(int signal) {
  return signal == SIGTERM ? "terminated" : signal == SIGHUP ? "hung up" : "interrupted";
}

// Control-Z: the commands are stopped with us, and go on with us.
void suspend(const TerminalModes& modes, Screen& screen) {
  screen.clear_status();
  signal_child_groups(SIGTSTP);
  modes.restore();
  kill(getpid(), SIGSTOP);  // returns when SIGCONT has come
  signal_child_groups(SIGCONT);
}

// A graph that runs no command needs no guard.
bool runs_commands(const jobs::Graph& graph) {
  return std::ranges::any_of(
      graph.stages, [](const jobs::StageSpec& stage) { return stage.kind->name == "exec"; });
}

// Orphans of commands become our children, and are ended with the run.
class Orphanage {
 public:
  explicit Orphanage(Screen& screen) : screen_(screen) {
    // Without it (Linux before 3.4) orphans are somebody else's.
    static_cast<void>(prctl(PR_SET_CHILD_SUBREAPER, 1));
  }
  ~Orphanage() {
    const int left = end_left_children();
    if (left == 0) return;
    screen_.message("gorun: killed " + std::to_string(left) +
                    (left == 1 ? " process" : " processes") + " that commands had left behind\n");
  }
  Orphanage(const Orphanage&) = delete;
  Orphanage& operator=(const Orphanage&) = delete;

 private:
  Screen& screen_;
};

// Of --junit: false after a message.
bool write_junit(const Options& options, const jobs::Graph& graph, const jobs::Outcome& outcome,
                 Screen& screen) {
  if (options.junit.empty()) return true;
  jobs::OutputFile file(options.junit, jobs::OutputFile::Mode::kAtomic, -1);
  auto error = file.open();
  if (!error) error = file.write(junit_text(graph, outcome));
  if (!error) error = file.commit();
  if (!error) return true;
  screen.message("gorun: error: --junit: " + error->message() + "\n");
  return false;
}

// What the first, the second and the third signal do; see `gorun help run`.
void on_signal(int signal, int nth, jobs::Interrupt& interrupt, Screen& screen,
               const TerminalModes& modes) {
  if (nth == 1) {
    interrupt.raise();
    screen.message("gorun: " + signal_name(signal) +
                   ": stopping; a second signal kills the commands\n");
  } else if (nth == 2) {
    signal_child_groups(SIGKILL);
    screen.message("gorun: " + signal_name(signal) +
                   " again: commands killed; a third signal leaves at once\n");
  } else {
    signal_child_groups(SIGKILL);
    screen.clear_status();
    modes.restore();
    _exit(128 + signal);
  }
}

std::uint64_t let_go(const jobs::Outcome& outcome) {
  std::uint64_t count = 0;
  for (const jobs::StageOutcome& stage : outcome.stages) count += stage.let_go_count;
  return count;
}

void report(const Options& options, const jobs::Graph& graph, const jobs::Outcome& outcome,
            Screen& screen) {
  screen.message(deadlock_lines(screen, outcome));
  const std::string summary = failure_summary(screen, outcome);
  if (is_for_github(options.github)) {
    screen.message(annotations(outcome) + folded("what the failed commands said", summary));
  } else {
    screen.message(summary);
  }
  const bool is_quiet = options.verbosity == Verbosity::kQuiet ||
                        (is_door(options) && options.verbosity == Verbosity::kNormal &&
                         outcome.state == jobs::RunState::kSucceeded);
  if (!is_door(options)) screen.message(failure_list(screen, graph, outcome));
  if (is_quiet) return;
  if (options.verbosity == Verbosity::kVerbose) {
    screen.message(stage_table(outcome) + bottleneck_line(outcome));
  }
  screen.message(closing_line(screen, graph, outcome));
}

}  // namespace

ExitCode cmd_run(const Options& options, Screen& screen) {
  std::variant<jobs::Graph, ExitCode> loaded = load_graph(options, screen);
  if (const auto* status = std::get_if<ExitCode>(&loaded)) return *status;
  auto& graph = std::get<jobs::Graph>(loaded);
  if (options.keep_going) graph.fail = jobs::FailPolicy::kKeepGoing;
  if (options.dry_run) return print(graph.secrets.masked(dry_run_text(graph)));
  return run_graph(options, graph, screen);
}

ExitCode run_graph(const Options& options, const jobs::Graph& graph, Screen& screen) {
  try {
    const TerminalModes modes;
    std::optional<Orphanage> orphanage;
    std::optional<jobs::ChildGuard> guard;
    if (runs_commands(graph)) {
      orphanage.emplace(screen);
      guard.emplace();
    }
    jobs::Interrupt interrupt;
    const SignalWatch signals(
        {.end = [&](int signal, int nth) { on_signal(signal, nth, interrupt, screen, modes); },
         .suspend = [&] { suspend(modes, screen); }});
    const Log log(screen, options.log_level);
    ProgressDisplay display(screen, choose_style(options, graph));
    RunObserver observer(screen, display, log);
    const jobs::Outcome outcome = jobs::execute(graph, {.procs = options.procs,
                                                        .observer = &observer,
                                                        .interrupt = &interrupt,
                                                        .timeout = options.timeout});
    display.end();
    report(options, graph, outcome, screen);
    ExitCode status = exit_code(outcome, signals.first_signal());
    // What a job lets go is no failure; of a command line everything is.
    if (is_door(options) && status == ExitCode::kOk && let_go(outcome) > 0) {
      status = ExitCode::kFailed;
    }
    if (write_junit(options, graph, outcome, screen)) return status;
    return status == ExitCode::kOk ? ExitCode::kOutput : status;
  } catch (const std::system_error& error) {
    screen.message("gorun: error: cannot run the job: " + std::string(error.what()) + "\n");
    return ExitCode::kFailed;
  }
}

}  // namespace gorun::cli
