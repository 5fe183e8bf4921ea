#include "jobs/walk/path_filter.h"

#include <cstddef>
#include <utility>

namespace gorun::jobs {

Expected<PathGlobList, GlobError> PathGlobList::compile(std::span<const std::string> patterns) {
  PathGlobList list;
  for (const std::string& pattern : patterns) {
    const bool takes_back = pattern.starts_with('!');
    Expected<PathGlob, GlobError> glob =
        PathGlob::compile(std::string_view(pattern).substr(takes_back ? 1 : 0));
    if (!glob) return GlobError{pattern, glob.error().what};
    list.rules_.push_back({std::move(*glob), takes_back});
  }
  return list;
}

bool PathGlobList::selects(std::string_view path, bool is_directory) const {
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (rule->glob.matches(path, is_directory)) return !rule->takes_back;
  }
  return false;
}

bool PathGlobList::selects_with_parents(std::string_view path, bool is_directory) const {
  // The deepest match decides, as a .gitignore further down would.
  for (bool directory = is_directory;; directory = true) {
    for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
      if (rule->glob.matches(path, directory)) return !rule->takes_back;
    }
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return false;
    path = path.substr(0, slash);
  }
}

Expected<PathFilter, GlobError> PathFilter::compile(std::span<const std::string> include,
                                                    std::span<const std::string> exclude) {
  PathFilter filter;
  Expected<PathGlobList, GlobError> included = PathGlobList::compile(include);
  if (!included) return included.error();
  Expected<PathGlobList, GlobError> excluded = PathGlobList::compile(exclude);
  if (!excluded) return excluded.error();
  filter.include_ = std::move(*included);
  filter.exclude_ = std::move(*excluded);
  return filter;
}

}  // namespace gorun::jobs
