// jobs/walk/expand_glob.h - the paths that match a pattern, as a shell expands it.
//
//   src/*.c     *, ? and [...] within one name; a leading dot must be written
//   src/**/*.c  "**" as a whole component: any number of directories, also none; it enters
//               neither links nor names that begin with a dot
//   a/b         a path without wildcards matches itself, if it is there
//
// A backslash takes a wildcard's meaning. There are no braces and no "~": those are the shell's.
// Only directories that a match could lie in are read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/system_error.h"
#include "jobs/walk/name_glob.h"
#include "jobs/walk/path_filter.h"

namespace gorun::jobs {

struct GlobMatches {
  std::vector<std::string> paths;   // in byte order, none twice
  std::vector<SystemError> errors;  // directories that could not be read
};

enum class GlobTargets : unsigned char {
  kFiles,  // what is a regular file, or a link to one
  kAll,    // whatever is there
};

/// Expands one pattern relative to the current directory. With a slash at its end it matches
/// directories only, and GlobTargets::kFiles then matches nothing.
///
/// exclude  paths as they would be returned, without "./" in front, are left out if these
///          patterns select them or a directory above them.
/// errors   a component that is no NameGlob; an empty pattern.
/// threads  any; blocks in reading directories. Holds all matches in memory.
[[nodiscard]] Expected<GlobMatches, GlobError> expand_glob(std::string_view pattern,
                                                           GlobTargets targets,
                                                           const PathGlobList& exclude = {});

/// True if `pattern`, whose components are NameGlobs, matches directories and nothing else,
/// whatever is there: it ends in a slash, "." or "..".
[[nodiscard]] bool matches_directories_only(std::string_view pattern);

}  // namespace gorun::jobs
