#include "jobs/walk/expand_glob.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>

#include "jobs/walk/directory.h"

namespace gorun::jobs {
namespace {

// Directories that may hold matches are kept on a list and not on the stack: a tree may be deeper
// than a goroutine's stack.
class Expansion {
 public:
  Expansion(std::vector<std::optional<NameGlob>> components, bool directories_only,
            GlobTargets targets, const PathGlobList& exclude)
      : components_(std::move(components)),
        directories_only_(directories_only),
        targets_(targets),
        exclude_(exclude) {}

  GlobMatches run(std::string start) {
    pending_.push_back({std::move(start), 0});
    while (!pending_.empty()) {
      const Pending next = std::move(pending_.back());
      pending_.pop_back();
      step(next);
    }
    std::sort(matches_.paths.begin(), matches_.paths.end());
    matches_.paths.erase(std::unique(matches_.paths.begin(), matches_.paths.end()),
                         matches_.paths.end());
    return std::move(matches_);
  }

 private:
  // The components from `component` on are to be matched below `prefix`, which is empty or ends
  // with a slash.
  struct Pending {
    std::string prefix;
    std::size_t component;
  };

  void step(const Pending& pending) {
    const std::optional<NameGlob>& glob = components_[pending.component];
    const bool last = pending.component + 1 == components_.size();
    if (glob && glob->is_literal()) {
      std::string path = pending.prefix + glob->literal();
      if (last) {
        add_if_there(std::move(path), nullptr);
      } else {
        pending_.push_back({std::move(path) + "/", pending.component + 1});
      }
      return;
    }
    const std::vector<DirectoryEntry>* entries = list(pending.prefix);
    if (entries == nullptr) return;
    if (!glob && !last) pending_.push_back({pending.prefix, pending.component + 1});
    for (const DirectoryEntry& entry : *entries) {
      if (entry.name.starts_with('.') && !(glob && glob->begins_with_dot())) continue;
      if (glob && !glob->matches(entry.name)) continue;
      std::string path = pending.prefix + std::string(entry.name);
      const bool may_hold_more =
          entry.type == FileType::kDirectory || (glob && entry.type == FileType::kSymlink);
      if (may_hold_more && !(glob && last) && !is_excluded(path, true)) {
        pending_.push_back({path + "/", pending.component + (glob ? 1 : 0)});
      }
      if (last) add_if_there(std::move(path), &entry.type);
    }
  }

  // nullptr: not a directory, not there, or not readable; only the last is an error.
  const std::vector<DirectoryEntry>* list(const std::string& prefix) {
    const std::string path = prefix.empty() ? "." : prefix;
    const Expected<FileDescriptor, SystemError> fd = DirectoryReader::open(path);
    if (!fd) {
      const int number = fd.error().error_number;
      if (number != ENOENT && number != ENOTDIR) matches_.errors.push_back(fd.error());
      return nullptr;
    }
    const auto entries = reader_.read(fd->get(), path);
    if (entries) return *entries;
    matches_.errors.push_back(entries.error());
    return nullptr;
  }

  // `type` is what the directory said; nullptr: it was not asked.
  void add_if_there(std::string path, const FileType* type) {
    FileType known = type != nullptr ? *type : FileType::kSymlink;
    bool is_there = type != nullptr;
    if (known == FileType::kSymlink) {
      struct stat seen = {};
      if (::stat(path.c_str(), &seen) == 0) {
        known = file_type_of(seen.st_mode);
        is_there = true;
      } else if (errno == EACCES && type == nullptr) {
        matches_.errors.push_back({"stat", EACCES, path});
      } else if (!is_there) {
        is_there = ::lstat(path.c_str(), &seen) == 0;  // a link to nothing is there
      }
    }
    if (!is_there) return;
    if (directories_only_ && known != FileType::kDirectory) return;
    if (targets_ == GlobTargets::kFiles && known != FileType::kFile) return;
    if (is_excluded(path, known == FileType::kDirectory)) return;
    if (directories_only_) path += '/';
    matches_.paths.push_back(std::move(path));
  }

  [[nodiscard]] bool is_excluded(std::string_view path, bool is_directory) const {
    if (exclude_.empty()) return false;
    while (path.starts_with("./")) path.remove_prefix(2);
    while (path.starts_with('/')) path.remove_prefix(1);
    return !path.empty() && exclude_.selects_with_parents(path, is_directory);
  }

  std::vector<std::optional<NameGlob>> components_;  // nothing: "**"
  bool directories_only_;
  GlobTargets targets_;
  const PathGlobList& exclude_;
  DirectoryReader reader_;
  std::vector<Pending> pending_;
  GlobMatches matches_;
};

}  // namespace

Expected<GlobMatches, GlobError> expand_glob(std::string_view pattern, GlobTargets targets,
                                             const PathGlobList& exclude) {
  std::vector<std::optional<NameGlob>> components;
  std::string_view rest = pattern;
  const std::string start = rest.starts_with('/') ? "/" : "";
  const bool directories_only = rest.ends_with('/');
  while (!rest.empty()) {
    const std::string_view component = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), component.size() + 1));
    if (component.empty()) continue;  // slashes in a row are one
    if (component == "**") {
      if (components.empty() || components.back()) components.emplace_back();
      continue;
    }
    Expected<NameGlob, GlobError> name = NameGlob::compile(component);
    if (!name) return GlobError{std::string(pattern), name.error().what};
    components.emplace_back(std::move(*name));
  }
  if (components.empty()) return GlobError{std::string(pattern), "an empty pattern"};
  return Expansion(std::move(components), directories_only, targets, exclude).run(start);
}

bool matches_directories_only(std::string_view pattern) {
  if (pattern.ends_with('/')) return true;
  const auto name = NameGlob::compile(pattern.substr(pattern.rfind('/') + 1));
  return name && name->is_literal() && (name->literal() == "." || name->literal() == "..");
}

}  // namespace gorun::jobs
