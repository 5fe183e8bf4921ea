#include "jobs/exec/path_set.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "jobs/quote.h"
#include "jobs/state_directory.h"
#include "jobs/walk/directory.h"
#include "jobs/walk/expand_glob.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kWildcards = "*?[\\";

// True if it can match something other than one name.
bool is_pattern(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\') {
      ++i;
    } else if (kWildcards.find(path[i]) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// What it matches if it is no pattern.
std::string without_backslashes(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 1 < path.size()) ++i;
    out += path[i];
  }
  return out;
}

bool leads_out(std::string_view path) {
  if (path.starts_with('/')) return true;
  int depth = 0;
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name.empty() || name == ".") continue;
    depth += name == ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}

// As a path that was put together from its names: "a//b/" is "a/b".
std::string with_single_slashes(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c != '/' || !out.ends_with('/')) out += c;
  }
  if (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

// An item whose text and fields, put into a pattern, match themselves.
class QuotedItem final : public ItemView {
 public:
  QuotedItem(const Item& item, std::string_view run_status)
      : item_(item, run_status), text_(quote_for_glob(item.text)) {}
  [[nodiscard]] std::string_view text() const override { return text_; }
  [[nodiscard]] bool append_field(std::string_view name, std::string* out) const override {
    std::string value;
    if (!item_.append_field(name, &value)) return false;
    *out += quote_for_glob(value);
    return true;
  }
  [[nodiscard]] std::string_view run_status() const override { return item_.run_status(); }

 private:
  const TemplateItem item_;
  const std::string text_;
};

class Search {
 public:
  explicit Search(std::string directory) : directory_(std::move(directory)) {}

  // Nothing: all went well.
  std::optional<std::string> add(const std::string& pattern) {
    const std::string prefix =
        directory_.empty() || pattern.starts_with('/') ? "" : quote_for_glob(directory_) + "/";
    const auto matches = expand_glob(prefix + pattern, GlobTargets::kAll);
    if (!matches) return quote(pattern) + ": " + matches.error().what;
    if (!matches->errors.empty()) return matches->errors.front().message();
    std::size_t found = 0;
    for (const std::string& path : matches->paths) {
      struct stat seen = {};
      if (::stat(path.c_str(), &seen) != 0) continue;  // a link to nothing, or gone by now
      ++found;
      if (!S_ISDIR(seen.st_mode)) {
        set_.files.push_back(name_of(path));
      } else if (auto wrong = add_below(path)) {
        return wrong;
      }
    }
    if (found == 0 && !is_pattern(pattern)) set_.missing.push_back(without_backslashes(pattern));
    return std::nullopt;
  }

  PathSet take() && {
    for (std::vector<std::string>* paths : {&set_.files, &set_.missing}) {
      std::ranges::sort(*paths);
      paths->erase(std::unique(paths->begin(), paths->end()), paths->end());
    }
    return std::move(set_);
  }

 private:
  // The way back from path_in().
  [[nodiscard]] std::string name_of(const std::string& path) const {
    const bool is_below = !directory_.empty() && path.starts_with(directory_ + "/");
    return is_below ? path.substr(directory_.size() + 1) : path;
  }

  // On a list and not on the stack: a tree may be deeper than that of a goroutine.
  std::optional<std::string> add_below(std::string root) {
    while (root.size() > 1 && root.ends_with('/')) root.pop_back();
    std::vector<std::string> pending = {std::move(root)};
    while (!pending.empty()) {
      const std::string directory = std::move(pending.back());
      pending.pop_back();
      const auto fd = DirectoryReader::open(directory);
      if (!fd) return fd.error().message();
      const auto entries = reader_.read(fd->get(), directory);
      if (!entries) return entries.error().message();
      for (const DirectoryEntry& entry : **entries) {
        std::string path = directory + "/" + std::string(entry.name);
        struct stat seen = {};
        if (entry.type == FileType::kDirectory) {
          if (entry.name != kStateDirectory) pending.push_back(std::move(path));
        } else if (entry.type == FileType::kFile ||
                   (entry.type == FileType::kSymlink && ::stat(path.c_str(), &seen) == 0 &&
                    S_ISREG(seen.st_mode))) {
          set_.files.push_back(name_of(path));
        }
      }
    }
    return std::nullopt;
  }

  const std::string directory_;
  DirectoryReader reader_;
  PathSet set_;
};

}  // namespace

std::optional<std::string> what_is_wrong_with(std::string_view pattern, PathBounds bounds) {
  if (pattern.empty()) return "a path is empty";
  if (bounds == PathBounds::kAnywhere && pattern.find_first_not_of('/') == std::string_view::npos) {
    return quote(pattern) + " is the root of the file system";
  }
  for (std::string_view rest = pattern; !rest.empty();) {
    const std::string_view component = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), component.size() + 1));
    if (component.empty()) continue;
    if (const auto glob = NameGlob::compile(component); !glob) {
      return quote(pattern) + " is no pattern: " + glob.error().what;
    }
  }
  if (bounds == PathBounds::kInside && leads_out(without_backslashes(pattern))) {
    return quote(pattern) + " leads out of the directory that the command runs in";
  }
  return std::nullopt;
}

std::string quote_for_glob(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (kWildcards.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string path_in(const std::string& directory, const std::string& name) {
  return directory.empty() || name.starts_with('/') ? name : directory + "/" + name;
}

Expected<std::vector<std::string>, std::string> patterns_for(std::span<const Template> paths,
                                                             std::span<const Item> items,
                                                             std::string_view run_status) {
  std::vector<std::string> patterns;
  const Item none;
  for (const Template& path : paths) {
    for (std::size_t i = 0; i < (path.uses_item() ? items.size() : 1); ++i) {
      const QuotedItem view(items.empty() ? none : items[i], run_status);
      const auto missing = path.append_to(&patterns.emplace_back(), view);
      if (missing) return "the item has no field \"" + std::string(*missing) + "\"";
    }
  }
  return patterns;
}

Expected<PathSet, std::string> find_paths(std::span<const std::string> patterns,
                                          const std::string& directory) {
  Search search(with_single_slashes(directory));
  for (const std::string& pattern : patterns) {
    if (auto wrong = search.add(pattern)) return *std::move(wrong);
  }
  return std::move(search).take();
}

}  // namespace gorun::jobs
