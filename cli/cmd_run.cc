// cli/cmd_run.cc - `gorun FILE`: load, run, show, report.

#include "cli/cmd_run.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include "cli/child_groups.h"
#include "cli/github.h"
#include "cli/job_file.h"
#include "cli/log.h"
#include "cli/plan_text.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/run_observer.h"
#include "cli/run_reports.h"
#include "cli/signals.h"
#include "cli/standard_output.h"
#include "jobs/exec/child_guard.h"
#include "jobs/exec/jobserver.h"
#include "jobs/exec/start_gate.h"
#include "jobs/executor.h"
#include "jobs/graph.h"
#include "jobs/interrupt.h"
#include "jobs/run_clock.h"
#include "runtime/num_cpu.h"

namespace gorun::cli {
namespace {

bool is_exec(const jobs::StageSpec& stage) { return stage.kind->name == "exec"; }
// Also reducers.
bool is_of_commands(const jobs::StageSpec& stage) {
  return is_exec(stage) || (stage.kind->option("argv") != nullptr && stage.options.has("argv"));
}
// Commands of a shell that are jobs inside: who types them expects to hear of what went wrong, and
// of nothing else.
bool is_door(const Options& options) {
  return options.command == Command::kMap || options.command == Command::kCount;
}

// True if commands of the job write to gorun's own standard error, past the Screen.
bool children_share_stderr(const jobs::Graph& graph) {
  return std::ranges::any_of(graph.stages, is_of_commands);
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
  if (const auto style = asked_style(options)) return *style;
  if (options.command == Command::kMap) return ProgressStyle::kNone;
  const bool shares_terminal =
      children_share_stderr(graph) || (isatty(STDOUT_FILENO) == 1 && writes_to_stdout(graph));
  return is_smart_terminal(STDERR_FILENO) && !shares_terminal ? ProgressStyle::kBlock
                                                              : ProgressStyle::kLines;
}

std::string signal_name(int signal) {
  return signal == SIGTERM ? "terminated" : signal == SIGHUP ? "hung up" : "interrupted";
}

// How long a message on a signal may wait for somebody to read standard error: the next signal has
// to be heard.
constexpr std::chrono::seconds kPatience{2};

// Control-Z: the commands are stopped with us, and go on with us.
void suspend(const TerminalModes& modes, Screen& screen) {
  screen.try_message("", kPatience);  // no status stays behind
  const jobs::StartsHeld held;
  const jobs::RunStands stands;
  signal_child_groups(SIGTSTP);
  modes.restore();
  // To this thread, not to the process: of that another thread may take it, and later, and we
  // would let the commands go on before we stop. Returns when SIGCONT has come.
  std::raise(SIGSTOP);
  signal_child_groups(SIGCONT);
}

// "limits.memory" counts bytes that are in use. By itself malloc learns to keep what was freed, up
// to 64 MiB of it, and keeps it apart for each thread, so that long records would count twice: in
// use, and as holes. Blocks of the usual size, up to chunks and batches, are kept as ever.
void give_memory_back() {
  constexpr int kUsualBytes = 288 << 10;
  constexpr int kHeaps = 4;
  // Before there is another thread. NOLINTBEGIN(concurrency-mt-unsafe)
  mallopt(M_MMAP_THRESHOLD, kUsualBytes);
  mallopt(M_TRIM_THRESHOLD, 2 * kUsualBytes);
  mallopt(M_ARENA_MAX, kHeaps);
  // NOLINTEND(concurrency-mt-unsafe)
}

// A graph that runs no command needs no guard.
bool runs_commands(const jobs::Graph& graph) {
  return std::ranges::any_of(graph.stages, is_of_commands);
}

// What the command line says of things that the job file may say as well.
void apply(const Options& options, jobs::Graph* graph) {
  if (options.keep_going) graph->fail = jobs::FailPolicy::kKeepGoing;
  if (options.max_load) graph->limits.max_load = options.max_load;
  if (options.memfree) graph->limits.memfree = options.memfree;
  for (jobs::StageSpec& stage : graph->stages) {
    if (options.nice && is_of_commands(stage) && !stage.options.is_given("nice")) {
      stage.options.set("nice", std::int64_t{*options.nice});
    }
    if (options.jobserver && is_exec(stage) && !stage.options.is_given("jobserver")) {
      stage.options.set("jobserver", true);
    }
  }
}

// The jobserver of the make that runs us, or a new one if some command wants one; nullptr: neither.
std::unique_ptr<jobs::Jobserver> find_jobserver(const Options& options, const jobs::Graph& graph,
                                                Screen& screen) {
  if (!runs_commands(graph)) return nullptr;
  // Nothing in gorun changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* makeflags = std::getenv("MAKEFLAGS");
  jobs::Jobserver::Found found = jobs::Jobserver::find(makeflags);
  if (!found.warning.empty() && options.verbosity != Verbosity::kQuiet) {
    screen.message("gorun: warning: " + found.warning + "\n");
  }
  if (found.jobserver) return std::move(found.jobserver);
  bool is_wanted = false;
  bool has_name = false;
  for (const jobs::StageSpec& stage : graph.stages) {
    if (!is_exec(stage) || !stage.options.flag("jobserver")) continue;
    is_wanted = true;
    has_name = has_name || stage.options.text("jobserver_style") == "fifo";
  }
  if (!is_wanted) return nullptr;
  int slots = options.command == Command::kMap ? options.map.workers : options.procs;
  if (slots == 0) slots = graph.limits.procs;
  if (slots == 0) slots = runtime::default_procs();
  auto made = jobs::Jobserver::make(slots, has_name, makeflags);
  if (made) return std::move(*made);
  throw std::system_error(made.error().error_number, std::generic_category(),
                          "the jobserver " + made.error().subject);
}

std::string count_processes(int count) {
  return std::to_string(count) + (count == 1 ? " process" : " processes");
}

// Orphans of commands become our children, and are ended with the run.
class Orphanage {
 public:
  explicit Orphanage(Screen& screen) : screen_(screen) {
    // Without it (Linux before 3.4) orphans are somebody else's.
    static_cast<void>(prctl(PR_SET_CHILD_SUBREAPER, 1));
  }
  ~Orphanage() {
    const LeftChildren left = end_left_children();
    if (left.killed > 0) {
      screen_.message("gorun: killed " + count_processes(left.killed) +
                      " that commands had left behind\n");
    }
    if (left.refused > 0) {
      screen_.message("gorun: may not kill " + count_processes(left.refused) +
                      " of another user that commands had left behind\n");
    }
  }
  Orphanage(const Orphanage&) = delete;
  Orphanage& operator=(const Orphanage&) = delete;

 private:
  Screen& screen_;
};

// What the first, the second and the third signal do; see `gorun help run`.
struct OnSignal {
  jobs::Jobserver* jobserver;
  jobs::Interrupt& drain;
  jobs::Interrupt& stop;
  Screen& screen;
  const TerminalModes& modes;

  void operator()(int signal, int nth) const {
    const std::string who = "gorun: " + signal_name(signal);
    const std::string next = signal == SIGINT ? "control-C again" : "a further signal";
    if (nth == 1) {
      drain.raise();
      screen.try_message(who + ": nothing more begins, and what is under way comes to its end; " +
                             next + " ends the commands\n",
                         kPatience);
    } else if (nth == 2) {
      stop.raise();
      screen.try_message(who + " again: the commands get SIGTERM, and those that go on SIGKILL; " +
                             next + " leaves at once\n",
                         kPatience);
    } else {
      signal_child_groups(SIGKILL);
      if (jobserver != nullptr) jobserver->give_all_back();
      modes.restore();
      screen.try_message(who + " again: commands killed, leaving at once\n",
                         std::chrono::seconds(0));
      // As it is, without destructors. _exit would do, but ThreadSanitizer takes that for the end
      // of a program that forgot to join its threads.
      std::quick_exit(128 + signal);
    }
  }
};

std::uint64_t let_go(const jobs::Outcome& outcome) {
  std::uint64_t count = 0;
  for (const jobs::StageOutcome& stage : outcome.stages) count += stage.let_go_count;
  return count;
}

void report(const Options& options, const jobs::Graph& graph, const jobs::Outcome& outcome,
            bool is_for_github, Screen& screen) {
  screen.message(deadlock_lines(screen, outcome));
  const std::string summary = failure_summary(screen, outcome);
  if (is_for_github) {
    screen.message(annotations(graph.secrets, outcome) + up_to_date_notice(graph.secrets, outcome) +
                   folded("what the failed commands said", summary));
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
  if (options.dry_run) return print(graph.secrets.masked(dry_run_text(graph)));
  return run_graph(options, std::move(graph), screen);
}

ExitCode run_graph(const Options& options, jobs::Graph graph, Screen& screen) {
  apply(options, &graph);
  if (graph.limits.memory) give_memory_back();
  try {
    const TerminalModes modes;
    std::optional<Orphanage> orphanage;
    std::optional<jobs::ChildGuard> guard;
    if (runs_commands(graph)) {
      orphanage.emplace(screen);
      guard.emplace();
    }
    const std::unique_ptr<jobs::Jobserver> jobserver = find_jobserver(options, graph, screen);
    jobs::Interrupt drain;
    jobs::Interrupt stop;
    const SignalWatch signals({.end = OnSignal{jobserver.get(), drain, stop, screen, modes},
                               .suspend = [&] { suspend(modes, screen); }});
    const Log log(screen, options.log_level);
    ProgressDisplay display(screen, choose_style(options, graph));
    RunObserver observer(screen, display, log, options.verbosity);
    RunReports reports(options.report, graph);
    reports.begin();
    const jobs::Outcome outcome = jobs::execute(graph, {.procs = options.procs,
                                                        .observer = &observer,
                                                        .interrupt = &stop,
                                                        .drain = &drain,
                                                        .timeout = options.timeout,
                                                        .jobserver = jobserver.get(),
                                                        .always_run = options.always_run,
                                                        .paranoid = options.paranoid,
                                                        .folds_output = reports.is_for_github()});
    display.end();
    report(options, graph, outcome, reports.is_for_github(), screen);
    ExitCode status = exit_code(outcome, signals.first_signal());
    // What a job lets go is no failure; of a command line everything is.
    if (is_door(options) && status == ExitCode::kOk && let_go(outcome) > 0) {
      status = ExitCode::kFailed;
    }
    if (reports.write(outcome, screen)) return status;
    return status == ExitCode::kOk ? ExitCode::kOutput : status;
  } catch (const std::system_error& error) {
    screen.message("gorun: error: cannot run the job: " + std::string(error.what()) + "\n");
    return ExitCode::kFailed;
  }
}

}  // namespace gorun::cli
