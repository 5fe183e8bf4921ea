// jobs/load.h - from a path to a checked Graph: the whole front half in two calls.
//
//   bytes -> Source -> JsonValue -> JobFile (values with positions) -> Graph
#pragma once

#include <string>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/graph.h"
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

/// Reads `path` ("-": standard input) up to kMaxJobFileBytes. Blocks the calling thread.
[[nodiscard]] LoadedSource read_source(const std::string& path);
inline constexpr std::size_t kMaxJobFileBytes = std::size_t{256} << 20;

/// Parses and validates; all mistakes at once. Later settings of one name win. Pure: reads
/// nothing but its arguments.
[[nodiscard]] Result<Graph> load_job(const Source& source, const VarSettings& settings = {});

}  // namespace gorun::jobs
