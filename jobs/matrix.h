// jobs/matrix.h - the combinations of a stage's matrix.
//
//   "matrix": {"os": ["linux", "mac"], "n": [1, 2]}    linux,1  linux,2  mac,1  mac,2
//
// The last key varies fastest, as digits do.
#pragma once

#include <optional>
#include <vector>

#include "jobs/json_value.h"
#include "jobs/scope.h"
#include "jobs/value_reader.h"

namespace gorun::jobs {

/// Stages that one matrix may make.
inline constexpr std::size_t kMaxCombinations = 10'000;

/// Every combination, in order; nothing after a blame.
[[nodiscard]] std::optional<std::vector<MatrixValues>> read_matrix(const JsonValue& value,
                                                                   ValueReader* reader);

}  // namespace gorun::jobs
