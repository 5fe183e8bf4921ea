// cli/summary.h - a run as one JSON document, for programs: what the report on the screen says, and
// all figures.
//
//   {"gorun": "0.1.0", "name": "ci", "state": "failed", "elapsed_s": 1.2,
//    "stages": [{"name": "test", "kind": "exec", "state": "failed", "started_s": 0.1, ...
//                "failures": [{"what": "exit 1", "cause": "exit", "code": 1, "attempts": 1,
//                ...}]}],
//    "left_out": [{"name": "deploy", "why": "its \"if\" is false"}], "stuck": []}
//
// "channels" of a stage are those in front of it and between its parts: how many batches each holds
// ("capacity"), and what share of its room was taken while it was read, on average over time
// ("mean_fill") and at most ("max_fill"): of those batches or, if that is more, of the "bytes" that
// it holds. Its writer is blocked from the moment in which it is full until half of it is free.
//
// Keys are always there, in this order. Times are seconds since the start of the run, both 0
// for a stage that never started; those of work and waiting are summed over a stage's workers.
// Bytes that are no UTF-8 are written as jobs/format/json_text.h has it.
#pragma once

#include <string>

#include "jobs/graph.h"
#include "jobs/outcome.h"

namespace gorun::cli {

/// The document. Secrets of the graph are masked.
[[nodiscard]] std::string summary_text(const jobs::Graph& graph, const jobs::Outcome& outcome);

}  // namespace gorun::cli
