// jobs/exec/start_failure.h - the failure of a command that could not be started.
#pragma once

#include "jobs/outcome.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// failure_of(), and what to do about it where there is something: a limit of processes or of open
/// files that is reached, memory that is short.
[[nodiscard]] Failure start_failure(const SystemError& error);

}  // namespace gorun::jobs
