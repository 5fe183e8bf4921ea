// jobs/graph.h - a job as plain values: what is to run, checked, and nothing of how.
//
// Made by load_job() in jobs/load.h from a job file, or by hand. Stages are named by their index
// in Graph::stages, which is their order in the file.
//
// Invariants of a Graph that load_job() returns
//   I1  Every index is below stages.size(); stage names are unique and not empty.
//   I2  Data and order edges together have no cycle, and no stage needs another one that could
//       finish only after it.
//   I3  An edge leaves by a port that its stage's kind has; a kind with Input::kNone has no
//       inputs, one with Input::kRequired has at least one.
//   I4  Options hold what the table of kinds promises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "jobs/kinds.h"
#include "jobs/source.h"
#include "jobs/stage_options.h"

namespace gorun::jobs {

/// Items that a channel holds when the job file does not say.
inline constexpr std::int64_t kDefaultBuffer = 4096;
inline constexpr std::int64_t kMaxBuffer = std::int64_t{1} << 24;
inline constexpr std::int64_t kMaxWorkers = 100'000;

/// A count of goroutines that follows the number of Ps of the run.
inline constexpr int kOnePerP = 0;

/// A bounded channel: items that leave stage `from` by `port` and enter stage `to`.
struct Edge {
  std::size_t from = 0;
  std::string port{kDefaultPort};
  std::size_t to = 0;
  std::int64_t buffer = kDefaultBuffer;  // items it holds before the sender parks, at least 1
  ByteRange where;                       // the reference in the job file
};

struct StageSpec {
  std::string name;
  const StageKind* kind = nullptr;   // never nullptr in a Graph; static storage
  int workers = 1;                   // goroutines; kOnePerP: one for each P
  std::vector<std::size_t> inputs;   // indices into Graph::edges, in the order of "from"
  std::vector<std::size_t> outputs;  // indices into Graph::edges
  std::vector<std::size_t> needs;    // stages that must have completed before this one starts
  StageOptions options;
  ByteRange where;  // the stage's name in the job file
};

enum class FailPolicy {
  kFast,  // the first failure cancels the run
};

using Environment = std::vector<std::pair<std::string, std::string>>;

struct Graph {
  std::string name;  // "name" of the job file; empty: not given
  Environment env;   // added to the environment of every child
  int procs = 0;     // "limits.procs"; 0: as many as the machine gives
  FailPolicy fail = FailPolicy::kFast;
  std::vector<StageSpec> stages;
  std::vector<Edge> edges;
};

}  // namespace gorun::jobs
