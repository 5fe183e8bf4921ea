// cli/cmd_schema.h - `gorun schema`: the JSON Schema of job files.
#pragma once

#include "cli/exit_code.h"

namespace gorun::cli {

[[nodiscard]] ExitCode cmd_schema();

}  // namespace gorun::cli
