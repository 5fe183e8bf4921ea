#include "jobs/walk/path_glob.h"

#include <cstddef>
#include <utility>

namespace gorun::jobs {
namespace {

// The component that begins at `at`, without its slash.
std::string_view component_at(std::string_view path, std::size_t at) {
  return path.substr(at, path.find('/', at) - at);
}

}  // namespace

Expected<PathGlob, GlobError> PathGlob::compile(std::string_view pattern) {
  PathGlob glob;
  std::string_view rest = pattern;
  if (rest.ends_with('/')) {
    glob.directory_only_ = true;
    rest.remove_suffix(1);
  }
  glob.anchored_ = rest.find('/') != std::string_view::npos;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  if (rest.empty()) return GlobError{std::string(pattern), "an empty pattern"};
  while (true) {
    const std::string_view component = component_at(rest, 0);
    if (component == "**") {
      if (glob.components_.empty() || glob.components_.back()) glob.components_.emplace_back();
    } else if (component.empty()) {
      return GlobError{std::string(pattern), "two slashes in a row"};
    } else {
      Expected<NameGlob, GlobError> name = NameGlob::compile(component);
      if (!name) return GlobError{std::string(pattern), name.error().what};
      glob.components_.emplace_back(std::move(*name));
    }
    if (component.size() == rest.size()) return glob;
    rest.remove_prefix(component.size() + 1);
  }
}

bool PathGlob::matches(std::string_view path, bool is_directory) const {
  if (directory_only_ && !is_directory) return false;
  if (!anchored_) {
    const std::size_t slash = path.rfind('/');
    const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    return !components_.front() || components_.front()->matches(name);
  }
  // As NameGlob::matches() with components for bytes and "**" for the star; one that ends the
  // pattern takes at least one component.
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t star = kNone;
  std::size_t star_at = 0;
  std::size_t c = 0;
  std::size_t at = 0;  // begin of the path's component at hand; past the end: none left
  while (at < path.size()) {
    if (c < components_.size() && !components_[c]) {
      if (c + 1 == components_.size()) return true;
      star = c++;
      star_at = at;
      continue;
    }
    const std::string_view name = component_at(path, at);
    if (c < components_.size() && components_[c]->matches(name)) {
      ++c;
      at += name.size() + 1;
    } else if (star != kNone) {
      c = star + 1;
      star_at += component_at(path, star_at).size() + 1;
      at = star_at;
    } else {
      return false;
    }
  }
  return c == components_.size();
}

}  // namespace gorun::jobs
