// jobs/failure_parser.h - "retry" and "tolerate" of a stage.
//
//   "retry": 3        "retry": {"max": 5, "on": ["timeout", "exit 75"], "base": "2s", "cap": "1m"}
//   "tolerate": 10    "tolerate": {"count": 10, "percent": 0.5}
#pragma once

#include <optional>

#include "jobs/failure_policy.h"
#include "jobs/json_value.h"
#include "jobs/value_reader.h"

namespace gorun::jobs {

/// The policy that `value` describes; nothing after a blame.
[[nodiscard]] std::optional<Retry> read_retry(const JsonValue& value, ValueReader* reader);
[[nodiscard]] std::optional<Tolerate> read_tolerate(const JsonValue& value, ValueReader* reader);

}  // namespace gorun::jobs
