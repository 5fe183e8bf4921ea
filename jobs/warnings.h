// jobs/warnings.h - what a job does that its author may not expect, though it is no mistake.
//
// A stage that several read from goes on when all of them have taken what it sent: the slowest sets
// the pace of all. That is worth a word where one of them is slow by its kind (a command or a
// request for each item, itself or right behind it) or starts late ("needs"), and others are not.
//
// A run cannot stall for that. Every chain of stages has a single channel in front of it
// (jobs/plan.h) and takes what comes first, so that one that waits for items waits for all that
// feed it, and none of those can be waiting for it: of stages without a cycle there is always one
// that can go on. What can stall is a stage that "needs" one behind a branch of the same items;
// that is an error (jobs/validate.h).
#pragma once

#include "jobs/diagnostic.h"
#include "jobs/graph.h"

namespace gorun::jobs {

/// In the order of the job file.
[[nodiscard]] Diagnostics find_warnings(const Graph& graph);

}  // namespace gorun::jobs
