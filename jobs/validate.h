// jobs/validate.h - from a JobFile to a Graph: names, ports, inputs, cycles.
//
// A name of a stage with a matrix means all stages that the matrix makes; "test[linux,1]" means
// one.
//
// Rules
//   - "from" and "needs" name stages that exist, other than the stage itself, each once.
//   - A source takes no items; an operator and a sink need some.
//   - Items that a stage sends are read by somebody. To lose them in silence would be a wrong
//     answer, and to guess a place for them a surprise.
//   - No cycle over data and order edges together.
//   - No stage waits ("needs") for one that could finish only after it: bounded channels make
//     the producer of items that nobody takes yet wait as well.
//   - "when" other than "success" asks how the stages that it "needs" ended, so there are some.
//   What
//     runs in spite of a failure takes no items from what a failure stops.
//   - A pool exists and has as many places as a worker takes; a target's stages exist.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/graph.h"
#include "jobs/job_file.h"
#include "jobs/source.h"

namespace gorun::jobs {

struct Validated {
  Graph graph;                  // of all stages, wanted or not
  std::vector<bool> is_wanted;  // by stage: what its "if" says
  struct Target {
    std::string name;
    std::vector<std::size_t> stages;
  };
  std::vector<Target> targets;
  std::vector<Target> pipelines;  // what each stands for
};

/// The graph of `file`. What breaks a rule goes to `errors`; only a Graph without errors keeps
/// the invariants of jobs/graph.h.
[[nodiscard]] Validated validate(const Source& source, JobFile file, Diagnostics* errors);

}  // namespace gorun::jobs
