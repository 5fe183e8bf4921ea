// jobs/stage_parser.h - from the JSON of a stage to its declarations: one, or one for each
// combination of its matrix.
#pragma once

#include <string_view>
#include <vector>

#include "jobs/job_file.h"
#include "jobs/json_value.h"
#include "jobs/value_reader.h"

namespace gorun::jobs {

/// The stages that `member` of "stages" declares, in the order of their matrix's values.
/// defaults  the job's; nullptr: it has none. They are right by themselves.
[[nodiscard]] std::vector<StageDecl> parse_stage(const JsonMember& member,
                                                 const JsonObject* defaults, ValueReader* reader);

/// The value of a key that names stages: "a" or ["a", "b"].
[[nodiscard]] std::vector<StageRef> read_stage_names(std::string_view key, const JsonValue& value,
                                                     ValueReader* reader);

}  // namespace gorun::jobs
