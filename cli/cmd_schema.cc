// cli/cmd_schema.cc - `gorun schema`.

#include "cli/cmd_schema.h"

#include "cli/standard_output.h"
#include "jobs/schema.h"

namespace gorun::cli {

ExitCode cmd_schema() { return print(jobs::job_schema()); }

}  // namespace gorun::cli
