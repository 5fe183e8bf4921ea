// jobs/mapreduce/reduce_options.h - what "reduce" groups by, and what it aggregates.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/mapreduce/aggregate.h"
#include "jobs/stage_options.h"

namespace gorun::jobs {

/// What one aggregate looks at.
struct ValueOption {
  AggregateKind kind = AggregateKind::kCount;
  std::optional<std::string> field;  // nothing: the text
};

struct ReduceOptions {
  bool by_text = true;
  std::vector<std::string> by;  // fields; with by_text, none
  std::vector<ValueOption> values;
  std::vector<AggregateKind> kinds;  // of values

  [[nodiscard]] bool only_counts() const {
    return std::ranges::all_of(kinds,
                               [](AggregateKind kind) { return kind == AggregateKind::kCount; });
  }
};

[[nodiscard]] inline ReduceOptions read_options(const StageOptions& given) {
  ReduceOptions options;
  options.by_text = !given.has("by");
  if (!options.by_text) options.by = given.texts("by");
  for (const AggregateOption& one : given.aggregates("agg")) {
    ValueOption value{.kind = find_aggregate(one.function).value(), .field = one.field};
    if (!value.field && value.kind != AggregateKind::kCount && given.has("field")) {
      value.field = given.text("field");
    }
    options.kinds.push_back(value.kind);
    options.values.push_back(std::move(value));
  }
  return options;
}

}  // namespace gorun::jobs
