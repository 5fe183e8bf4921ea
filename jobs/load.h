// jobs/load.h - from a path to a checked Graph: the whole front half in two calls.
//
//   bytes -> Source -> JsonValue -> JobFile (values with positions) -> Graph
//
// The front half itself touches nothing but its arguments: what a job file may ask of the world
// goes through a LoadWorld.
#pragma once

#include <string>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/graph.h"
#include "jobs/load_world.h"
#include "jobs/secrets.h"
#include "jobs/source.h"

namespace gorun::jobs {

/// One `--set name=value`.
struct VarSetting {
  std::string name;
  std::string value;
};
using VarSettings = std::vector<VarSetting>;

/// A file that was read, or a Source without text and the reason.
struct LoadedSource {
  Source source;
  Diagnostics errors;  // empty: the text is there
};

/// Reads `path` ("-": standard input). Blocks the calling thread.
[[nodiscard]] LoadedSource read_source(const std::string& path);

struct LoadOptions {
  VarSettings settings = {};              // later ones of one name win
  std::vector<std::string> targets = {};  // to be run; empty: the target "default", or all
  const LoadWorld* world = nullptr;  // not owned; nullptr: there is nothing beside the job file
};

/// What became of a job file.
struct LoadedJob {
  Source source;              // the job file and all that it includes
  Secrets secrets;            // for whatever is said of the job
  Result<Graph> graph;        // the mistakes are masked
  Diagnostics warnings = {};  // where there are no mistakes; masked, too
};

/// Parses and validates; all mistakes at once.
[[nodiscard]] LoadedJob load_job(Source source, const LoadOptions& options);

/// The same for a job file that names no other one, with the places of mistakes in `source`.
[[nodiscard]] Result<Graph> load_job(const Source& source, const VarSettings& settings = {});

}  // namespace gorun::jobs
