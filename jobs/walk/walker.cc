#include "jobs/walk/walker.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

namespace gorun::jobs {
namespace {

bool is_among(const Ancestry* ancestry, const struct stat& seen) {
  for (; ancestry != nullptr; ancestry = ancestry->parent.get()) {
    if (ancestry->inode == seen.st_ino && ancestry->device == seen.st_dev) return true;
  }
  return false;
}

std::uint64_t size_of(const struct stat& seen) { return static_cast<std::uint64_t>(seen.st_size); }

}  // namespace

void WalkStep::clear() {
  found.clear();
  directories.clear();
  errors.clear();
  loops.clear();
}

bool Walker::needs_size(FileType type) const {
  return type == FileType::kFile && (!options_.type || *options_.type == FileType::kFile) &&
         (options_.sizes || options_.min_size || options_.max_size);
}

void Walker::report(Found found, WalkStep* step) const {
  if (options_.type && *options_.type != found.type) return;
  if (found.size) {
    if (options_.min_size && *found.size < *options_.min_size) return;
    if (options_.max_size && *found.size > *options_.max_size) return;
  }
  step->found.push_back(std::move(found));
}

void Walker::begin(const std::string& root, WalkStep* step) const {
  struct stat seen = {};
  if (::stat(root.c_str(), &seen) != 0) {
    const int number = errno;
    step->errors.push_back({"stat", number, root});
    return;
  }
  const bool turns = options_.disks != nullptr && options_.disks->turns(seen.st_dev);
  Found found{.path = root,
              .type = file_type_of(seen.st_mode),
              .is_root = true,
              .inode = turns ? seen.st_ino : 0};
  if (needs_size(found.type)) found.size = size_of(seen);
  const bool is_directory = found.type == FileType::kDirectory;
  report(std::move(found), step);
  if (!is_directory || options_.max_depth == std::uint64_t{0}) return;
  PendingDirectory directory;
  directory.path = root;
  directory.root_length = root.size() + (root.ends_with('/') ? 0 : 1);
  directory.is_on_turning_disk = turns;
  step->directories.push_back(std::move(directory));
}

void Walker::enter(const PendingDirectory& directory, DirectoryReader& reader,
                   WalkStep* step) const {
  const Expected<FileDescriptor, SystemError> opened = DirectoryReader::open(directory.path);
  if (!opened) {
    step->errors.push_back(opened.error());
    return;
  }
  const int fd = opened->get();
  std::shared_ptr<const Ancestry> ancestry;
  if (options_.symlinks == Symlinks::kFollow) {
    struct stat seen = {};
    if (::fstat(fd, &seen) != 0) {
      const int number = errno;
      step->errors.push_back({"stat", number, directory.path});
      return;
    }
    ancestry =
        std::make_shared<const Ancestry>(Ancestry{seen.st_dev, seen.st_ino, directory.ancestry});
  }
  const auto entries = reader.read(fd, directory.path);
  if (!entries) {
    step->errors.push_back(entries.error());
    return;
  }
  if (directory.is_on_turning_disk) std::ranges::sort(**entries, {}, &DirectoryEntry::inode);
  for (const DirectoryEntry& entry : **entries) {
    if (!options_.hidden && entry.name.starts_with('.')) continue;
    look_at(directory, fd, entry, ancestry, step);
  }
}

void Walker::look_at(const PendingDirectory& parent, int dirfd, const DirectoryEntry& entry,
                     const std::shared_ptr<const Ancestry>& ancestry, WalkStep* step) const {
  Found found;
  found.type = entry.type;
  if (parent.is_on_turning_disk) found.inode = entry.inode;
  const bool slash = !parent.path.ends_with('/');
  found.path.reserve(parent.path.size() + 1 + entry.name.size());
  found.path += parent.path;
  if (slash) found.path += '/';
  found.path += entry.name;

  const bool follow = entry.type == FileType::kSymlink && options_.symlinks == Symlinks::kFollow;
  struct stat seen = {};
  if (follow && ::fstatat(dirfd, entry.name.data(), &seen, 0) == 0) {
    found.type = file_type_of(seen.st_mode);
  }
  const bool is_directory = found.type == FileType::kDirectory;
  const std::string_view below = std::string_view(found.path).substr(parent.root_length);
  if (options_.filter.excludes(below, is_directory)) return;
  if (is_directory && is_among(follow ? ancestry.get() : nullptr, seen)) {
    step->loops.push_back(std::move(found.path));
    return;
  }

  const std::uint64_t depth = parent.depth + 1;
  if (is_directory && (!options_.max_depth || depth < *options_.max_depth)) {
    step->directories.push_back(
        {found.path, parent.root_length, depth, ancestry, parent.is_on_turning_disk});
  }
  if (options_.type && *options_.type != found.type) return;
  if (!options_.filter.includes(below, is_directory)) return;
  if (needs_size(found.type)) {
    if (!follow && ::fstatat(dirfd, entry.name.data(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
      const int number = errno;
      step->errors.push_back({"stat", number, std::move(found.path)});
      return;
    }
    found.size = size_of(seen);
  }
  report(std::move(found), step);
}

}  // namespace gorun::jobs
