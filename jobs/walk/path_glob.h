// jobs/walk/path_glob.h - a pattern of a .gitignore file, for paths below a root.
//
//   *.o        no slash: matches the name at any depth          /*.o   only directly in the root
//   src/*.o    a slash inside or in front: from the root on     tmp/   only a directory
//   **/x  x/**  a/**/b    "**" as a whole component: any number of directories, for "x/**" at
//              least one name below x
//
// Components are NameGlobs. A "#" or a space is itself, for a pattern here comes from a JSON
// string and not from a line. A "!" in front is for the list that the pattern stands in
// (jobs/walk/path_filter.h).
// Source: gitignore(5), "PATTERN FORMAT".
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/walk/name_glob.h"

namespace gorun::jobs {

/// Immutable; safe to use from any thread.
class PathGlob {
 public:
  /// errors  those of NameGlob::compile() for a component; an empty pattern.
  [[nodiscard]] static Expected<PathGlob, GlobError> compile(std::string_view pattern);

  /// path          relative to the root, without "./" in front and slash at the end, not empty.
  /// is_directory  what the path names; a link counts as what the walk takes it for.
  [[nodiscard]] bool matches(std::string_view path, bool is_directory) const;

 private:
  PathGlob() = default;

  // nothing: "**". There are never two in a row.
  std::vector<std::optional<NameGlob>> components_;
  bool directory_only_ = false;
  bool anchored_ = false;  // false: one component, matched with the path's last
};

}  // namespace gorun::jobs
