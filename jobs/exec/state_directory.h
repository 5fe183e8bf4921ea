// jobs/exec/state_directory.h - where gorun keeps what it knows between two runs of a job.
//
//   .gorun/cache      what commands were when they last succeeded (exec/record_store.h)
//   .gorun/artifacts  what they left (exec/artifacts.h)
//
// It lies beside the job file and not in the current directory: a job that is run from elsewhere
// finds it. All of it may be removed at any time.
#pragma once

#include <string>
#include <string_view>

#include "jobs/graph.h"

namespace gorun::jobs {

inline constexpr std::string_view kStateDirectory = ".gorun";

/// Its path; of a job that came from standard input, in the current directory.
[[nodiscard]] inline std::string state_directory(const Graph& graph) {
  const std::size_t slash = graph.file.rfind('/');
  const std::string beside = slash == std::string::npos ? "" : graph.file.substr(0, slash + 1);
  return beside + std::string(kStateDirectory);
}

}  // namespace gorun::jobs
