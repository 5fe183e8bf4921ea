// cli/map_job.h - the job file that `gorun map` runs: lines -> exec.
#pragma once

#include <string>

#include "cli/options.h"

namespace gorun::cli {

/// JSON text, as `gorun map --print` shows it. The words of the command are UTF-8.
[[nodiscard]] std::string map_job_text(const MapOptions& options);

}  // namespace gorun::cli
