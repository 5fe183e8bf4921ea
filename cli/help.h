// cli/help.h - the texts of `gorun help`, made from the tables of flags and commands.
#pragma once

#include <string>

#include "cli/flags.h"

namespace gorun::cli {

/// What gorun is, with a job file to copy.
[[nodiscard]] std::string help_text();

/// One command: usage, flags, examples.
[[nodiscard]] std::string help_text(Command command);

}  // namespace gorun::cli
