// jobs/predicate_reader.h - predicates (jobs/predicate.h) out of a job file.
#pragma once

#include <optional>
#include <string_view>

#include "jobs/json_value.h"
#include "jobs/predicate.h"
#include "jobs/value_reader.h"

namespace gorun::jobs {

/// {"field": value or {"op": value, ...}, ...}; nothing after `reader` has blamed it.
[[nodiscard]] std::optional<Predicate> read_predicate(std::string_view key, const JsonValue& value,
                                                      ValueReader* reader);

/// {"name": predicate, ...}; a name is that of a port: letters, digits, "_" and "-".
[[nodiscard]] std::optional<NamedPredicates> read_named_predicates(std::string_view key,
                                                                   const JsonValue& value,
                                                                   ValueReader* reader);

}  // namespace gorun::jobs
