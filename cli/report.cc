// cli/report.cc - the end of a run.

#include "cli/report.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cli/printable.h"
#include "cli/quantity.h"
#include "jobs/quote.h"

namespace gorun::cli {
namespace {

using jobs::RunState;
using jobs::StageOutcome;
using jobs::StageState;

std::size_t count_of(const jobs::Outcome& outcome, StageState state) {
  return static_cast<std::size_t>(std::ranges::count(outcome.stages, state, &StageOutcome::state));
}

// What the sources sent: the input of the run.
std::uint64_t source_items(const jobs::Graph& graph, const jobs::Outcome& outcome) {
  std::uint64_t items = 0;
  for (std::size_t i = 0; i < outcome.stages.size(); ++i) {
    if (graph.stages[i].inputs.empty()) items += outcome.stages[i].counts.items_out;
  }
  return items;
}

// `stages "a" and "b"`; of many the first few.
std::string name_failed(const jobs::Outcome& outcome) {
  constexpr std::size_t kMostNames = 5;
  const std::size_t failed = count_of(outcome, StageState::kFailed);
  std::string out = failed == 1 ? "stage " : "stages ";
  std::size_t named = 0;
  for (const StageOutcome& stage : outcome.stages) {
    if (stage.state != StageState::kFailed) continue;
    if (named == kMostNames) break;
    out += (named == 0 ? "" : ", ") + jobs::quote(stage.name);
    ++named;
  }
  return failed > named ? out + " and " + format_count(failed - named) + " more" : out;
}

// "3 succeeded, 1 skipped": all but the failed, which are named before.
std::string count_others(const jobs::Outcome& outcome) {
  std::string out;
  for (const StageState state :
       {StageState::kSucceeded, StageState::kCancelled, StageState::kSkipped}) {
    const std::size_t count = count_of(outcome, state);
    if (count == 0) continue;
    out += (out.empty() ? "" : ", ") + format_count(count) + " ";
    out += jobs::to_string(state);
  }
  return out;
}

// ", 2 stages and 5 items up to date": what did not have to be done.
std::string up_to_date(const jobs::Outcome& outcome) {
  std::uint64_t stages = 0;
  std::uint64_t items = 0;
  for (const StageOutcome& stage : outcome.stages) {
    if (stage.is_up_to_date()) {
      ++stages;
    } else {
      items += stage.up_to_date_count;
    }
  }
  if (stages + items == 0) return "";
  std::string out = ", ";
  if (stages > 0) out += format_count(stages, "stage");
  if (items > 0) out += (stages > 0 ? " and " : "") + format_count(items, "item");
  return out + " up to date";
}

}  // namespace

std::string failure_line(const Screen& screen, const std::string& stage,
                         const jobs::Failure& failure) {
  std::string out = "gorun: " + screen.styled(Style::kRed, "error:") + " stage " +
                    jobs::quote(stage) + " failed: " + printable(failure.what);
  // Most failures name the file or the command already.
  if (!failure.item.empty() && failure.what.find(failure.item) == std::string::npos) {
    out += " (item " + jobs::quote(failure.item) + ")";
  }
  return out + "\n";
}

std::string failure_list(const Screen& screen, const jobs::Graph& graph,
                         const jobs::Outcome& outcome) {
  constexpr std::size_t kMostListed = 20;
  std::string out;
  for (std::size_t i = 0; i < outcome.stages.size(); ++i) {
    const StageOutcome& stage = outcome.stages[i];
    // The first failure of "fail": "fast" is the last thing that was said.
    if (graph.fail != jobs::FailPolicy::kFast) {
      const std::size_t listed = std::min(stage.failures.size(), kMostListed);
      for (std::size_t f = 0; f < listed; ++f) {
        out += failure_line(screen, stage.name, stage.failures[f]);
      }
      if (stage.failure_count > listed) {
        out += "gorun: stage " + jobs::quote(stage.name) + " failed " +
               format_count(stage.failure_count - listed, "more time") + "\n";
      }
    }
    if (stage.let_go_count == 0) continue;
    const bool are_routed = graph.stages[i].failure.on_error == jobs::OnError::kRoute;
    out += "gorun: " + screen.styled(Style::kYellow, "warning:") + " stage " +
           jobs::quote(stage.name) + ": " + format_count(stage.let_go_count, "failed item") +
           (are_routed ? " sent by \"errors\"" : " left out") +
           ", the first: " + printable(stage.let_go.front().what) + "\n";
  }
  return out;
}

std::string closing_line(const Screen& screen, const jobs::Graph& graph,
                         const jobs::Outcome& outcome) {
  const std::string time = " in " + format_duration(outcome.elapsed) + "\n";
  const std::string others = count_others(outcome);
  switch (outcome.state) {
    case RunState::kSucceeded: {
      const std::uint64_t items = source_items(graph, outcome);
      const std::size_t stages = outcome.stages.size();
      const bool is_all = count_of(outcome, StageState::kSucceeded) == stages;
      return "gorun: " + screen.styled(Style::kGreen, "ok:") + " " +
             (is_all ? format_count(stages, "stage") : others) +
             (items == 0 ? "" : ", " + format_count(items, "item")) + up_to_date(outcome) + time;
    }
    case RunState::kFailed:
      return "gorun: " + screen.styled(Style::kRed, "failed:") + " " + name_failed(outcome) +
             (others.empty() ? "" : "; " + others) + "," + time;
    case RunState::kUnfinished:
      return "gorun: " + screen.styled(Style::kYellow, "unfinished:") +
             " the reader of its output has gone; " + others + "," + time;
    case RunState::kInterrupted:
      return "gorun: " + screen.styled(Style::kYellow, "interrupted:") + " " + others + "," + time;
    case RunState::kTimedOut:
      return "gorun: " + screen.styled(Style::kRed, "timed out:") + " " + others + "," + time;
    case RunState::kDeadlocked:
      return "gorun: " + screen.styled(Style::kRed, "deadlock:") + " " + others + "," + time;
  }
  return "";
}

std::string deadlock_lines(const Screen& screen, const jobs::Outcome& outcome) {
  if (outcome.state != RunState::kDeadlocked) return "";
  std::string out = "gorun: " + screen.styled(Style::kRed, "error:") +
                    " deadlock: every goroutine waits for another one\n";
  for (const std::string& line : outcome.stuck) out += "  " + printable(line) + "\n";
  return out;
}

std::string let_go_line(const std::string& stage, const jobs::Failure& failure) {
  std::string out = "gorun: stage " + jobs::quote(stage) + ": " + printable(failure.what);
  if (!failure.item.empty()) out += " (item \"" + printable(failure.item) + "\")";
  return out + "\n";
}

std::string failure_summary(const Screen& screen, const jobs::Outcome& outcome) {
  // Of a stage that fails on every item the first few say enough.
  constexpr std::size_t kMostShown = 10;
  std::string out;
  for (const StageOutcome& stage : outcome.stages) {
    const std::size_t shown = std::min(stage.failures.size(), kMostShown);
    for (const jobs::Failure& failure : std::span(stage.failures).first(shown)) {
      if (failure.tail.empty()) continue;
      out += screen.styled(Style::kBold, "gorun: last lines of stage " + jobs::quote(stage.name));
      if (!failure.item.empty()) out += ", item \"" + printable(failure.item) + "\"";
      out += ":\n";
      std::string_view rest = failure.tail;
      while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        out += "  | " + printable(line) + "\n";
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      }
    }
  }
  return out;
}

std::string stage_table(const jobs::Outcome& outcome) {
  constexpr std::size_t kColumns = 10;
  using Row = std::array<std::string, kColumns>;
  std::vector<Row> rows = {{"stage", "state", "items in", "items out", "bytes", "busy", "no input",
                            "slow reader", "channel full", "at most"}};
  for (const StageOutcome& stage : outcome.stages) {
    const jobs::StageCounts& counts = stage.counts;
    const jobs::ChannelFill* const fill = stage.fullest_channel();
    rows.push_back({printable(stage.name), std::string(jobs::state_word(stage)),
                    format_count(counts.items_in), format_count(counts.items_out),
                    format_bytes(counts.bytes), format_duration(counts.busy),
                    format_duration(counts.waiting_in), format_duration(counts.waiting_out),
                    fill == nullptr ? "-" : format_percent(fill->mean),
                    fill == nullptr ? "-" : format_percent(fill->most)});
  }
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  std::string out;
  for (const Row& row : rows) {
    out += " ";
    for (std::size_t i = 0; i < kColumns; ++i) {
      const std::string blanks(widths[i] - display_width(row[i]), ' ');
      const bool is_word = i < 2;  // words to the left, figures to the right
      out += " " + (is_word ? row[i] + blanks : blanks + row[i]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += "\n";
  }
  return out;
}

std::string bottleneck_line(const jobs::Outcome& outcome) {
  // Of the time that the stage's goroutines had, in percent.
  const auto share = [](const StageOutcome& stage, std::chrono::nanoseconds part) {
    const auto had = (stage.ended - stage.started) * stage.goroutines;
    return had.count() <= 0 ? std::int64_t{0}
                            : std::min<std::int64_t>(100, part.count() * 100 / had.count());
  };
  const StageOutcome* busiest = nullptr;
  for (const StageOutcome& stage : outcome.stages) {
    if (stage.goroutines == 0) continue;
    if (busiest == nullptr ||
        share(stage, stage.counts.busy) > share(*busiest, busiest->counts.busy)) {
      busiest = &stage;
    }
  }
  if (busiest == nullptr) return "";
  // Another one: parts of a stage wait for each other, too.
  const StageOutcome* blocked = nullptr;
  std::int64_t longest = 0;
  for (const StageOutcome& stage : outcome.stages) {
    const std::int64_t waits = share(stage, stage.counts.waiting_out);
    if (&stage == busiest || waits <= longest) continue;
    blocked = &stage;
    longest = waits;
  }
  std::string out = "gorun: bottleneck: stage " + jobs::quote(busiest->name) + " " +
                    std::to_string(share(*busiest, busiest->counts.busy)) + " % busy";
  if (blocked != nullptr) {
    out += "; stage " + jobs::quote(blocked->name) + " blocked on send " + std::to_string(longest) +
           " %";
  }
  return out + "\n";
}

ExitCode exit_code(const jobs::Outcome& outcome, int signal) {
  if (outcome.has_failure(jobs::FailureKind::kInternal)) return ExitCode::kInternal;
  switch (outcome.state) {
    case RunState::kSucceeded:
      return ExitCode::kOk;
    case RunState::kDeadlocked:
      return ExitCode::kDeadlock;
    case RunState::kUnfinished:
      return ExitCode::kOutput;
    case RunState::kInterrupted:
      return signal == SIGTERM  ? ExitCode::kTerminated
             : signal == SIGHUP ? ExitCode::kHungUp
                                : ExitCode::kInterrupted;
    case RunState::kTimedOut:
      return ExitCode::kTimedOut;
    case RunState::kFailed:
      return outcome.has_failure(jobs::FailureKind::kOutput) ? ExitCode::kOutput
                                                             : ExitCode::kFailed;
  }
  return ExitCode::kInternal;
}

}  // namespace gorun::cli
