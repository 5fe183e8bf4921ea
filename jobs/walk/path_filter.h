// jobs/walk/path_filter.h - which paths below a root are wanted: include and exclude lists.
//
// Exclude is a .gitignore: the last pattern that matches decides, "!" in front takes back what
// an earlier one left out, and below a directory that is left out nothing is looked at. Include
// keeps what matches a pattern itself or lies below a directory that does ("src/" keeps all of
// src); there, too, "!" takes back and the last match decides. Without an include list all is
// kept. Include does not keep the walk out of a directory; exclude does.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/walk/path_glob.h"

namespace gorun::jobs {

/// A list of patterns in which the last match decides. Immutable; safe from any thread.
class PathGlobList {
 public:
  PathGlobList() = default;
  /// errors  the first pattern that is none; "\!" in front stands for a literal "!".
  [[nodiscard]] static Expected<PathGlobList, GlobError> compile(
      std::span<const std::string> patterns);

  [[nodiscard]] bool empty() const { return rules_.empty(); }
  /// Path and is_directory as for PathGlob::matches(); says nothing of the directories above.
  [[nodiscard]] bool selects(std::string_view path, bool is_directory) const;
  /// As selects(), for the path or for any directory above it, below the root.
  [[nodiscard]] bool selects_with_parents(std::string_view path, bool is_directory) const;

 private:
  struct Rule {
    PathGlob glob;
    bool takes_back;
  };
  std::vector<Rule> rules_;
};

/// Immutable; safe to use from any thread.
class PathFilter {
 public:
  PathFilter() = default;  // wants everything
  /// errors  the first pattern that is none.
  [[nodiscard]] static Expected<PathFilter, GlobError> compile(
      std::span<const std::string> include, std::span<const std::string> exclude);

  /// For one entry of a directory that is not excluded itself. Excluded entries are neither
  /// reported nor entered.
  [[nodiscard]] bool excludes(std::string_view path, bool is_directory) const {
    return !exclude_.empty() && exclude_.selects(path, is_directory);
  }
  /// True if an entry that is not excluded is to be reported.
  [[nodiscard]] bool includes(std::string_view path, bool is_directory) const {
    return include_.empty() || include_.selects_with_parents(path, is_directory);
  }

 private:
  PathGlobList include_;
  PathGlobList exclude_;
};

}  // namespace gorun::jobs
