// jobs/validate.h - from a JobFile to a Graph: names, ports, inputs, cycles.
//
// Rules
//   - "from" and "needs" name stages that exist, other than the stage itself, each once.
//   - A source takes no items; an operator and a sink need some.
//   - Items that a stage sends are read by somebody. To lose them in silence would be a wrong
//     answer, and to guess a place for them a surprise.
//   - No cycle over data and order edges together.
//   - No stage waits ("needs") for one that could finish only after it: bounded channels make
//     the producer of items that nobody takes yet wait as well.
#pragma once

#include "jobs/diagnostic.h"
#include "jobs/graph.h"
#include "jobs/job_file.h"
#include "jobs/source.h"

namespace gorun::jobs {

/// The graph of `file`. What breaks a rule goes to `errors`; only a Graph without errors keeps
/// the invariants of jobs/graph.h.
[[nodiscard]] Graph validate(const Source& source, JobFile file, Diagnostics* errors);

}  // namespace gorun::jobs
