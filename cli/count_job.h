// cli/count_job.h - the job file that `gorun count` runs: walk -> read -> split -> reduce.
#pragma once

#include <string>

#include "cli/options.h"

namespace gorun::cli {

/// JSON text, as `gorun count --print` shows it. Paths and patterns are UTF-8.
[[nodiscard]] std::string count_job_text(const CountOptions& options);

}  // namespace gorun::cli
