// jobs/dotenv.h - files of NAME=VALUE lines for the environment of commands.
//
//   # a comment; blank lines are skipped
//   HOST=example.org            the value ends with the line; blanks around it are dropped
//   export PORT=8080            "export " is allowed, for shells that read the file, too
//   GREETING="two\nlines"       in double quotes \n \t \" \\ mean what they say
//   RAW='no $escapes # at all'  in single quotes nothing means anything else
//   COLOR=red # a comment begins with a blank and "#", outside quotes
//
// Values are texts; nothing is substituted in them. A line that is none of these is a mistake, and
// is told by its place only: such files hold what nobody should read in a log.
#pragma once

#include "jobs/graph.h"
#include "jobs/json_value.h"
#include "jobs/load_world.h"
#include "jobs/source.h"
#include "jobs/value_reader.h"

namespace gorun::jobs {

/// The variables of the files that the value of "dotenv" names, in order; a later one of a name
/// wins where environments are made. Appends the files to `source`, hidden, and blames by `reader`.
[[nodiscard]] Environment read_dotenv_files(const JsonValue& value, Source* source,
                                            const LoadWorld& world, ValueReader* reader);

}  // namespace gorun::jobs
