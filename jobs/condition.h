// jobs/condition.h - the "if" of a stage: whether it is part of the job at all.
//
//   "if": "vars.os == 'linux' && !vars.quick"
//
//   condition  = and { "||" and }
//   and        = equality { "&&" equality }
//   equality   = unary [ ("==" | "!=") unary ]
//   unary      = "!" unary | "(" condition ")" | "${{" condition "}}" | value
//   value      = 'text' | number | true | false | vars.NAME | matrix.KEY
//
// Every value is a text, as it is everywhere in a job file; == compares bytes. A text that is asked
// whether it is true has to be a word for it: "true", "yes", "on", "1" or "false", "no", "off",
// "0", or nothing, which is false. Any other is a mistake: `--set quick=flase` must not mean true.
// Both sides of && and || are looked at, so that a mistake is found whatever the values are.
#pragma once

#include <optional>

#include "jobs/json_value.h"
#include "jobs/value_reader.h"

namespace gorun::jobs {

/// What the "if" `value` is in the scope of `reader`; nothing after a blame.
[[nodiscard]] std::optional<bool> read_condition(const JsonValue& value, ValueReader* reader);

}  // namespace gorun::jobs
