// jobs/job_file.h - a job file as written: values of the right types, names not yet looked up.
//
// Between parse (which knows keys and types) and validate (which knows names and the graph).
// A stage that is wrong in itself stays here, so that references to it are not wrong as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/graph.h"
#include "jobs/kinds.h"
#include "jobs/source.h"
#include "jobs/stage_options.h"

namespace gorun::jobs {

/// A stage that another one names.
struct StageRef {
  std::string stage;
  ByteRange stage_where;
  std::string port{kDefaultPort};
  ByteRange port_where;
  std::optional<std::int64_t> buffer;  // the edge's own, else the stage's
  std::int64_t bytes = kDefaultEdgeBytes;
  ByteRange where;  // the whole reference
};

struct StageDecl {
  std::string name;                 // of one made by a matrix: "test[linux,1]"
  std::string group;                // as written: "test"
  std::vector<std::string> inside;  // pipelines that it came from: "deploy", "deploy/web"
  ByteRange name_where;
  const StageKind* kind = nullptr;  // nullptr: blamed already
  std::vector<StageRef> from;
  std::optional<ByteRange> from_where;  // the key "from"; nothing: not given
  bool is_from_right = true;            // false: `from` misses what was blamed
  std::vector<StageRef> needs;
  When when = When::kSuccess;
  ByteRange when_where;   // the value of "when"; empty: not given
  bool is_wanted = true;  // false: its "if" says so
  std::string pool;       // empty: none
  ByteRange pool_where;
  std::int64_t weight = 1;
  ByteRange weight_where;
  int workers = 1;
  std::optional<ByteRange> workers_where;  // the value of "workers"
  std::int64_t buffer = kDefaultBuffer;
  std::optional<ByteRange> buffer_where;
  FailurePolicy failure;
  ByteRange on_error_where;  // the value of "on_error"; empty: not given
  bool keeps_order = false;
  std::int64_t window = kDefaultWindow;
  std::optional<ByteRange> window_where;  // the key "window"
  ByteRange order_where;                  // the key "order"; empty: not given
  StageOptions options;
  bool are_options_right = true;  // false: rules between options are not looked at
};

struct PoolDecl {
  Pool pool;
  ByteRange where;
};

struct TargetDecl {
  std::string name;
  std::vector<StageRef> stages;
  ByteRange where;
};

struct JobFile {
  std::string name;
  Environment env;
  Limits limits;
  ByteRange limits_where;  // the key; empty: not given
  Reports report;
  ByteRange report_where;
  FailPolicy fail = FailPolicy::kFast;
  ByteRange fail_where;
  std::vector<PoolDecl> pools;
  std::vector<TargetDecl> targets;
  std::vector<StageDecl> stages;
  Secrets secrets;
  Diagnostics warnings;  // of what is right, and has no effect
};

}  // namespace gorun::jobs
