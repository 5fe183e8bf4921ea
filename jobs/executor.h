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
#include "jobs/interrupt.h"
#include "jobs/observer.h"
#include "jobs/outcome.h"

namespace gorun::jobs {

class Jobserver;
class Stage;

/// From a stage of the graph to the code that does its work (jobs/stage_kinds.h).
using StageMaker = std::function<std::vector<std::unique_ptr<Stage>>(const StageSpec&)>;

struct RunOptions {
  int procs = 0;                   // Ps; 0: Graph::procs, and if that is 0 what the runtime takes
  Observer* observer = nullptr;    // not owned; nullptr: nobody watches
  Interrupt* interrupt = nullptr;  // not owned; nullptr: the run cannot be stopped from outside
  /// Raised: sources end, no further command or request begins, what is under way comes to its end,
  /// as after a failure with "fail": "drain". Not owned; nullptr: nobody asks for that.
  Interrupt* drain = nullptr;
  std::optional<std::chrono::nanoseconds> timeout = {};  // of the whole run
  Jobserver* jobserver = nullptr;                        // for commands; not owned; nullptr: none
  bool always_run = false;    // commands run although they are up to date
  bool folds_output = false;  // what a command says as a group is folded in logs of GitHub
  /// Not 0: runtime::Options::deterministic, so that pauses cost nothing; also the seed of jitter.
  std::uint64_t deterministic = 0;
  std::uint64_t jitter = 0;  // runtime::Options::jitter, for tests
};

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
