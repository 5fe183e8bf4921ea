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
//   I5  Stages that the job file leaves out ("if", targets) are no stages of the graph. What only
//       they read from has no stages either; an order edge to them is met from the start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/failure_policy.h"
#include "jobs/kinds.h"
#include "jobs/secrets.h"
#include "jobs/source.h"
#include "jobs/stage_options.h"

namespace gorun::jobs {

/// Items that a channel holds when the job file does not say.
inline constexpr std::int64_t kDefaultBuffer = 4096;
inline constexpr std::int64_t kMaxBuffer = std::int64_t{1} << 24;
inline constexpr std::int64_t kMaxWorkers = 100'000;
inline constexpr std::int64_t kMaxProcs = 1024;
inline constexpr std::int64_t kMaxPool = 1'000'000;
inline constexpr std::int64_t kMaxOpenFiles = std::int64_t{1} << 30;
inline constexpr std::int64_t kMaxLoad = 1'000'000;
inline constexpr std::int64_t kMaxAttempts = 1000;
inline constexpr int kDefaultAttempts = 3;  // of a "retry" that does not say
inline constexpr std::int64_t kMaxTolerated = std::int64_t{1} << 40;
/// Bytes of text that a channel holds, and items between the first and the last under way in a
/// stage that keeps their order, when the job file does not say.
inline constexpr std::int64_t kDefaultEdgeBytes = std::int64_t{16} << 20;
inline constexpr std::int64_t kDefaultWindow = 4096;
/// More than any machine has.
inline constexpr std::int64_t kMaxMemory = std::int64_t{1} << 50;

/// A count of goroutines that follows the number of Ps of the run.
inline constexpr int kOnePerP = 0;

/// A bounded channel: items that leave stage `from` by `port` and enter stage `to`.
struct Edge {
  std::size_t from = 0;
  std::string port{kDefaultPort};
  std::size_t to = 0;
  std::int64_t buffer = kDefaultBuffer;    // items it holds before the sender parks, at least 1
  std::int64_t bytes = kDefaultEdgeBytes;  // and of their texts and fields
  ByteRange where;                         // the reference in the job file
};

/// Which ends of the stages that it needs let a stage start.
enum class When {
  kSuccess,  // all succeeded
  kAlways,   // they ended, in whatever way
  kFailure,  // some failed
};

struct StageSpec {
  std::string name;                      // of one made by a matrix: "test[linux,1]"
  std::string group;                     // as declared: "test"
  const StageKind* kind = nullptr;       // never nullptr in a Graph; static storage
  int workers = 1;                       // goroutines; kOnePerP: one for each P
  std::vector<std::size_t> inputs;       // indices into Graph::edges, in the order of "from"
  std::vector<std::size_t> outputs;      // indices into Graph::edges
  std::vector<std::size_t> needs;        // stages that must have completed before this one starts
  When when = When::kSuccess;            // kSuccess unless it has needs
  std::optional<std::size_t> pool;       // index into Graph::pools
  std::int64_t weight = 1;               // places that a worker takes there, at most all of them
  FailurePolicy failure;                 // of its items
  bool keeps_order = false;              // items leave in the order in which they came
  std::int64_t window = kDefaultWindow;  // items under way then, at most
  std::optional<std::int64_t> memory;    // its part of "limits.memory" (jobs/memory_shares.h)
  StageOptions options;
  ByteRange where;  // the stage's name in the job file
};

enum class FailPolicy {
  kFast,       // the first failure cancels the run
  kDrain,      // it stops sources and begins no further command; what is under way goes on
  kKeepGoing,  // it stops nothing but what depends on it
};

/// A limit that stages share: so many places, of which a worker at work takes `weight`.
struct Pool {
  std::string name;
  std::int64_t places = 1;
};

/// A stage of the job file that is not run.
struct LeftOut {
  std::string name;
  std::string why;  // one line, as part of a sentence: "its \"if\" is false"
  friend bool operator==(const LeftOut&, const LeftOut&) = default;
};

using Environment = std::vector<std::pair<std::string, std::string>>;

/// "limits" of the job.
struct Limits {
  int procs = 0;                       // 0: as many as the machine gives
  std::optional<std::int64_t> memory;  // bytes of what waits between stages and is kept by them
  ByteRange memory_where;
  std::optional<std::int64_t> open_files;  // of this process at once
  ByteRange open_files_where;
  // No command starts, unless it is the only one,
  std::optional<double> max_load;       // while so many processes run, or more
  std::optional<std::int64_t> memfree;  // while fewer bytes are available
  // Of "memory", what one channel or window may hold; set by share_memory().
  std::int64_t holder_bytes = kMaxMemory;
};

/// "report" of the job: what is written about a run when it has ended, and where. An empty path:
/// nothing is.
struct Reports {
  std::string junit;
  std::string trace;
  std::string summary;
  std::string html;
  std::optional<bool> github;  // nothing: "auto"

  friend bool operator==(const Reports&, const Reports&) = default;
};

struct Graph {
  std::string name;  // "name" of the job file; empty: not given
  std::string file;  // the path of the job file; empty: standard input, or it was made by hand
  Environment env;   // added to the environment of every child
  Limits limits;
  Reports report;
  FailPolicy fail = FailPolicy::kFast;
  std::vector<Pool> pools;
  std::vector<StageSpec> stages;
  std::vector<Edge> edges;
  std::vector<LeftOut> left_out;  // in file order
  Secrets secrets;                // nothing that is said of the run shows them
};

/// By stage: true if a failure elsewhere does not keep it from running. Those are the stages with a
/// `when` other than kSuccess, and all that need or read from such a stage.
[[nodiscard]] std::vector<bool> late_stages(const Graph& graph);

/// By stage: the number of the scope in which a failure stops it. Scope 0 holds all that is not
/// late; late stages have a scope for all that data edges connect.
[[nodiscard]] std::vector<std::size_t> failure_scopes(const Graph& graph);

}  // namespace gorun::jobs
