// cli/cmd_stages.h - `gorun stages [KIND]`: what stages can do, from the table of kinds.
#pragma once

#include <string>

#include "cli/exit_code.h"
#include "cli/options.h"

namespace gorun::cli {

/// A line for each kind: its name, a padded column, its summary.
[[nodiscard]] std::string list_kinds();

/// One kind: what it takes and sends, its options with types and defaults, an example.
[[nodiscard]] std::string describe_kind(const jobs::StageKind& kind);

/// Prints one of the two; an unknown kind is a wrong command line.
[[nodiscard]] ExitCode cmd_stages(const Options& options);

}  // namespace gorun::cli
