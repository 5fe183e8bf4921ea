// jobs/state_directory.h - where gorun keeps what it knows between two runs of a job.
//
//   .gorun/cache      what commands were when they last succeeded (exec/record_store.h), and the
//                     digests of files (hash/digest_cache.h)
//   .gorun/artifacts  what they left (exec/artifacts.h)
//
// It lies beside the job file and not in the current directory: a job that is run from elsewhere
// finds it. All of it may be removed at any time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jobs/graph.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

inline constexpr std::string_view kStateDirectory = ".gorun";

/// Its path; of a job that came from standard input, in the current directory.
[[nodiscard]] std::string state_directory(const Graph& graph);

/// Where what "cache" speaks of is kept, as the option has it: "true", or another directory.
struct CachePlace {
  std::string directory;
  bool is_default = false;  // in the state directory
};
[[nodiscard]] CachePlace cache_place(const Graph& graph, const std::string& option);

/// Makes it with those above it, if it is not there; nothing: it is.
[[nodiscard]] std::optional<SystemError> make_directory(const CachePlace& place);

}  // namespace gorun::jobs
