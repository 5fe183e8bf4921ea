// jobs/selection.h - which stages of a job are run: what the targets name and "if" leaves.
//
//   - Without targets, the target "default" is run; without one, every stage.
//   - A target is a name of "targets", or a stage. What it reads from or needs is run as well, and
//     so on; so are the readers of a stage when none of them is otherwise: items are not lost in
//     silence.
//   - A stage whose "if" is false is left out, and so is one that reads only from such stages:
//   there
//     is nothing for it. What needs it does not wait for it.
#pragma once

#include <string>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/graph.h"
#include "jobs/validate.h"

namespace gorun::jobs {

/// The graph of the stages that are to be run. `all` is without mistakes.
/// errors  takes targets that are not there, each a mistake of the command line.
[[nodiscard]] Graph select_stages(Validated all, const std::vector<std::string>& targets,
                                  Diagnostics* errors);

}  // namespace gorun::jobs
