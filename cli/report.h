// cli/report.h - the end of a run: what failed and why, in words and as an exit status.
//
//   gorun: error: stage "test" failed: exit status 1
//   gorun: failed: stage "test"; 3 succeeded, 1 skipped, in 1.20 s
//
//   gorun: ok: 3 succeeded, 1 skipped in 1.20 s
#pragma once

#include <string>

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "jobs/graph.h"
#include "jobs/outcome.h"

namespace gorun::cli {

/// One failure as a line with its line feed; the item, where there is one, is named.
[[nodiscard]] std::string failure_line(const Screen& screen, const std::string& stage,
                                       const jobs::Failure& failure);

/// The same for an item that failed and did not fail its stage.
[[nodiscard]] std::string let_go_line(const std::string& stage, const jobs::Failure& failure);

/// The last lines of commands that failed, in the order of the stages; empty if none said anything.
[[nodiscard]] std::string failure_summary(const Screen& screen, const jobs::Outcome& outcome);

/// What failed and why, once more and together, where other things may have been said since; and
/// how many items were let go. Empty if there is nothing of that.
[[nodiscard]] std::string failure_list(const Screen& screen, const jobs::Graph& graph,
                                       const jobs::Outcome& outcome);

/// The closing line: how many stages ended how, and the time.
[[nodiscard]] std::string closing_line(const Screen& screen, const jobs::Graph& graph,
                                       const jobs::Outcome& outcome);

/// The goroutines of a deadlock, a line each; empty if it was none.
[[nodiscard]] std::string deadlock_lines(const Screen& screen, const jobs::Outcome& outcome);

/// A table of the stages: items, bytes, where their time went, and how full the channel in front of
/// each was on average and at most; of several channels (between the parts of a stage) the fullest.
[[nodiscard]] std::string stage_table(const jobs::Outcome& outcome);

/// What kept the run from being faster: the stage that was busy for the largest part of its time,
/// and, of the others, the one that waited the most for room in front of its readers. Empty if no
/// stage ran.
///
///   gorun: bottleneck: stage "words" 97 % busy; stage "text" blocked on send 83 %
[[nodiscard]] std::string bottleneck_line(const jobs::Outcome& outcome);

/// signal  what interrupted the run, or 0.
[[nodiscard]] ExitCode exit_code(const jobs::Outcome& outcome, int signal);

}  // namespace gorun::cli
