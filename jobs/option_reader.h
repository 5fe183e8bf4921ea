// jobs/option_reader.h - from the JSON value of an option to the value its row asks for.
#pragma once

#include <optional>

#include "jobs/json_value.h"
#include "jobs/kinds.h"
#include "jobs/stage_options.h"
#include "jobs/value_reader.h"

namespace gorun::jobs {

/// The value of the option that `row` describes; nothing after `reader` has blamed it. Not for
/// the types that only the keys of every stage have.
[[nodiscard]] std::optional<OptionValue> read_option(const OptionRow& row, const JsonValue& value,
                                                     ValueReader* reader);

}  // namespace gorun::jobs
