// cli/job_text.h - words of a command line as they stand in the job files that gorun writes.
#pragma once

#include <string>
#include <string_view>

namespace gorun::cli {

/// `word` for a place of a job file where `${{ }}` has a meaning, which it has not on a command
/// line.
[[nodiscard]] std::string without_expressions(std::string_view word);

/// Appends `, "key": "value"`.
void add_string(std::string_view key, std::string_view value, std::string* out);

}  // namespace gorun::cli
