// jobs/schema.h - the format of job files as a JSON Schema (draft 2020-12), from the tables of keys
// and kinds.
//
// Editors complete and check by it. It takes exactly the files whose keys and types `gorun check`
// takes. What lies beyond a schema is left to the command: names that must be declared, rules
// between options, cycles, the syntax of expressions, and what stands for an expression's value. A
// place that takes an expression takes any text with "${{" in it.
#pragma once

#include <string>

namespace gorun::jobs {

/// The schema as JSON, indented, with a line feed at its end.
[[nodiscard]] std::string job_schema();

}  // namespace gorun::jobs
