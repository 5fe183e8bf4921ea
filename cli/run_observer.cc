// cli/run_observer.cc - what the engine tells, handed to those who show it.

#include "cli/run_observer.h"

#include <string>
#include <utility>

#include "cli/printable.h"
#include "cli/quantity.h"
#include "cli/report.h"
#include "jobs/graph.h"
#include "jobs/quote.h"

namespace gorun::cli {
namespace {

// Of a stage that fails on every item the first few failures say enough.
constexpr std::size_t kMostShown = 10;

}  // namespace

void RunObserver::run_started(const jobs::Graph& graph,
                              std::shared_ptr<const jobs::Progress> progress) {
  graph_ = &graph;
  shown_.assign(graph.stages.size(), 0);
  judged_.assign(graph.stages.size(), 0);
  log_.info("run started: " + format_count(graph.stages.size(), "stage"));
  display_.begin(graph, std::move(progress));
}

void RunObserver::stage_started(std::size_t stage) {
  log_.info("stage " + jobs::quote(graph_->stages[stage].name) + " started");
}

void RunObserver::stage_failure(std::size_t stage, const jobs::Failure& failure) {
  if (shown_[stage]++ < kMostShown) {
    screen_.message(failure_line(screen_, graph_->stages[stage].name, failure));
  }
}

void RunObserver::item_let_go(std::size_t stage, const jobs::Failure& failure) {
  if (shown_[stage]++ < kMostShown) {
    screen_.message(let_go_line(graph_->stages[stage].name, failure));
  }
}

void RunObserver::attempt_failed(std::size_t stage, const jobs::Failure& failure,
                                 std::chrono::nanoseconds pause) {
  log_.info("stage " + jobs::quote(graph_->stages[stage].name) + ": " + printable(failure.what) +
            "; again in " + format_duration(pause));
}

void RunObserver::command_judged(std::size_t stage, std::string_view item, std::string_view why) {
  std::string line = "stage " + jobs::quote(graph_->stages[stage].name);
  if (!item.empty()) line += ", item " + jobs::quote(item);
  line += why.empty() ? " is up to date" : " runs: " + printable(why);
  if (verbosity_ == Verbosity::kVerbose && judged_[stage]++ < kMostShown) {
    screen_.message("gorun: " + line + "\n");
  } else {
    log_.debug(line);
  }
}

void RunObserver::stage_warned(std::size_t stage, std::string_view what) {
  if (verbosity_ == Verbosity::kQuiet) return;
  screen_.message("gorun: " + screen_.styled(Style::kYellow, "warning:") + " stage " +
                  jobs::quote(graph_->stages[stage].name) + ": " + printable(what) + "\n");
}

void RunObserver::stage_finished(std::size_t stage, const jobs::StageOutcome& outcome) {
  if (shown_[stage] > kMostShown) {
    screen_.message("gorun: stage " + jobs::quote(outcome.name) + " failed " +
                    format_count(shown_[stage] - kMostShown, "more time") + "\n");
  }
  log_.info("stage " + jobs::quote(outcome.name) + " " + std::string(jobs::state_word(outcome)) +
            " after " + format_duration(outcome.ended - outcome.started) + ": " +
            format_count(outcome.counts.items_in) + " in, " +
            format_count(outcome.counts.items_out) + " out");
}

}  // namespace gorun::cli
