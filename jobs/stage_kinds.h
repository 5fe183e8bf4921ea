// jobs/stage_kinds.h - from a kind's name to the code that does its work.
//
// The table of kinds (jobs/kinds.h) says what a job file may ask for; this one, keyed by the same
// names, says who does it. Two tables, so that the front half links and is tested without the
// engine.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "jobs/graph.h"
#include "jobs/stage.h"

namespace gorun::jobs {

/// Stages in flow order: what one stage of a job file is made of.
using StageRow = std::vector<std::unique_ptr<Stage>>;

/// The stages that do the work of `spec`, one or more. `spec` outlives them.
/// errors  std::logic_error if the kind has no code.
[[nodiscard]] StageRow make_stages(const StageSpec& spec);

/// True if make_stages() knows the kind.
[[nodiscard]] bool has_code(std::string_view kind);

}  // namespace gorun::jobs
