// jobs/deadlock_report.h - who waits for whom when a run has come to a standstill.
//
//   stage "a" finds no room in front of "c", where it sends by the port "out": 8 of 8 batches
//   stage "b" has no items: it reads from "a"
//   stage "c" has not started: it needs "b"
//
// One line for each stage and each thing that it waits for, in the order of the job file; how many
// goroutines do so is said if it is more than one. Goroutines are told by their labels (the stage
// at the head of their chain), channels by theirs: the stage behind an inbox, or the two below. The
// names of stages hold no space, so these cannot be mistaken.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jobs/graph.h"
#include "jobs/plan.h"
#include "runtime/run_result.h"

namespace gorun::jobs {

/// Of the channel that closes when a stage has ended.
[[nodiscard]] inline std::string end_label(std::string_view stage) {
  return "end of " + std::string(stage);
}

/// The lines; none if nobody is stuck. Secrets are masked.
[[nodiscard]] std::vector<std::string> deadlock_report(
    const Graph& graph, const Plan& plan, const std::vector<runtime::GoroutineInfo>& stuck);

}  // namespace gorun::jobs
