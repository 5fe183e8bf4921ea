// jobs/executor.h - runs a graph: goroutines for its stages, channels for its edges, an Outcome.
//
//   Graph -> Plan (jobs/plan.h: fused chains, workers, channels) -> goroutines -> Outcome
//
// Every chain of the plan gets its goroutines and one bounded inbox; all edges into a chain end in
// that inbox, so that fan-in takes whatever comes first and no order of sources can stall it. A
// chain with several readers copies a batch's item table for each (the bytes are shared), and the
// slowest reader holds the others back.
//
// Ends
//   E1  A producer's last goroutine closes the inboxes that it alone still feeds: readers drain
//       them and finish.
//   E2  A reader that wants no more closes its inbox: its producers' next send says so, they end,
//       and so on upstream. That is success.
//   E3  The first failure cancels the run: every inbox is closed, every child and every long wait
//       is woken, and stages that had not ended are cancelled. Not stopped by it is what runs in
//       spite of a failure (late_stages() in jobs/graph.h); a failure there stops only what data
//       edges connect with the stage that failed.
//   E4  A stage starts when all that it needs have succeeded, and is skipped when one did not;
//       "when" turns that round.
//   E5  Workers of stages in a pool take places there while they work.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "jobs/graph.h"
#include "jobs/outcome.h"
#include "jobs/run_options.h"

namespace gorun::jobs {

class Stage;

/// From a stage of the graph to the code that does its work (jobs/stage_kinds.h).
using StageMaker = std::function<std::vector<std::unique_ptr<Stage>>(const StageSpec&)>;

/// Runs `graph` on a Runtime of its own and returns when every goroutine and child has ended.
///
/// graph    as load_job() returns it.
/// errors   failures of stages are in the Outcome; std::system_error only when the process lacks
///          what a run needs at all (memory, descriptors).
/// threads  outside any goroutine; one run at a time in a process. Children are waited for one by
///          one, never with waitpid(-1). SIGPIPE is ignored meanwhile: a closed output is a value.
[[nodiscard]] Outcome execute(const Graph& graph, const RunOptions& options = {});

/// The same with other code for the stages: for tests of the engine that need a stage to misbehave.
[[nodiscard]] Outcome execute(const Graph& graph, const RunOptions& options,
                              const StageMaker& make);

}  // namespace gorun::jobs
