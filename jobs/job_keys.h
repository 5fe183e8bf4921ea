// jobs/job_keys.h - the keys of a job file around its stages: the other half of jobs/kinds.h.
//
// Parser, schema and messages read these rows, as they read those of the kinds.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "jobs/kinds.h"

namespace gorun::jobs {

/// The keys at the top of a job file.
[[nodiscard]] std::span<const OptionRow> job_keys();
/// Of a var in its long form.
[[nodiscard]] std::span<const OptionRow> var_keys();
/// Of "limits".
[[nodiscard]] std::span<const OptionRow> limit_keys();
/// Of "report".
[[nodiscard]] std::span<const OptionRow> report_keys();
/// Of a "from" that is an object.
[[nodiscard]] std::span<const OptionRow> edge_keys();
/// Of a stage's "replace".
[[nodiscard]] std::span<const OptionRow> replacement_keys();
/// Of "artifacts" where it is an object.
[[nodiscard]] std::span<const OptionRow> artifact_keys();
/// Of "retry" and "tolerate" where they are objects.
[[nodiscard]] std::span<const OptionRow> retry_keys();
[[nodiscard]] std::span<const OptionRow> tolerate_keys();

/// Keys of every stage that "defaults" may hold, beside the options of kinds.
[[nodiscard]] bool can_be_default(std::string_view common_key);

/// nullptr if `rows` have no such key.
[[nodiscard]] const OptionRow* find_key(std::span<const OptionRow> rows, std::string_view name);
[[nodiscard]] std::vector<std::string_view> key_names(std::span<const OptionRow> rows);

}  // namespace gorun::jobs
