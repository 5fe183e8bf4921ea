// jobs/parse.h - from a JSON document to a JobFile: keys, types, options, vars.
//
// Which keys there are is told by tables: those of the job in jobs/job_keys.h, a stage's and its
// options' in jobs/kinds.h. A key that no table has is an error; nothing is accepted and then
// ignored.
#pragma once

#include "jobs/diagnostic.h"
#include "jobs/job_file.h"
#include "jobs/json_value.h"
#include "jobs/load_world.h"
#include "jobs/source.h"
#include "jobs/vars.h"

namespace gorun::jobs {

/// Reads what is right of `root`, which is an object, and adds what is wrong to `errors`. Hides the
/// values of secrets in `source`, and appends the "dotenv" files to it.
[[nodiscard]] JobFile parse_job_file(Source* source, const JsonValue& root, const GivenVars& given,
                                     const LoadWorld& world, Diagnostics* errors);

}  // namespace gorun::jobs
