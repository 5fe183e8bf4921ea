// cli/plan_text.h - what a job would do, in words: for `gorun explain` and `gorun --dry-run`.
//
// Stages are told in an order in which they could start one after the other; those that wait for
// nothing start together. Items are not known before a run, so a command that works on items is
// shown with its placeholders.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "jobs/graph.h"

namespace gorun::cli {

/// Every stage behind those that it reads from and needs; otherwise in file order.
[[nodiscard]] std::vector<std::size_t> start_order(const jobs::Graph& graph);

/// A line for each stage: its name, and what it would do.
[[nodiscard]] std::string dry_run_text(const jobs::Graph& graph);

/// A paragraph for each stage: what it does, what it waits for and why, with how many workers, and
/// of a command that names its files whether it would run or is up to date, and why; then the
/// stages that are left out, and why. Reads what is known of earlier runs, and the files.
[[nodiscard]] std::string explain_text(const jobs::Graph& graph);

}  // namespace gorun::cli
