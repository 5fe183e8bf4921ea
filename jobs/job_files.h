// jobs/job_files.h - a job file and all that it includes, as one document.
//
//   "include": "common.json"            or ["a.json", "b.json"], beside the file that says so
//
// An included file is a job file: it may do all that one may, and may include others. What it
// declares is as if it stood in front of the including file's own, which wins where both say
// something: a var, a variable of "env", a default, a limit. Two stages, pools or targets of one
// name are a mistake. A file that is reached twice counts once; one that reaches itself is a
// mistake. Paths of data (roots, outputs) stay what they are, seen from the current directory.
#pragma once

#include <optional>

#include "jobs/diagnostic.h"
#include "jobs/json_value.h"
#include "jobs/load_world.h"
#include "jobs/source.h"

namespace gorun::jobs {

/// Parses the file that was added to `source` last, appends to it every file that it includes, and returns
/// them as one document; nothing, and mistakes in `errors`, if a text is no JSON. A "gorun" that is
/// missing or of another version is a mistake, too; every key is otherwise as written.
[[nodiscard]] std::optional<JsonValue> read_job_files(Source* source, const LoadWorld& world,
                                                      Diagnostics* errors);

/// `path`, if it is relative, as seen from the file of `source` that names it at byte `offset`.
[[nodiscard]] std::string beside(const Source& source, std::size_t offset, const std::string& path);

}  // namespace gorun::jobs
