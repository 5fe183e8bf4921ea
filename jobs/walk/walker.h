// jobs/walk/walker.h - walking trees, one directory a step.
//
// A step takes one directory and returns what it found there, the directories still to be
// entered, and what went wrong; who calls it keeps the list of directories and may spread it over
// as many goroutines as he likes. So memory holds one directory at a time for each caller, and
// the list: a caller that takes the newest directory first keeps that list short.
//
// Names
//   A path is the root as given, a slash, and the path below it, as find(1) prints it: the root
//   "." gives "./a", "/" gives "/a", "dir/" gives "dir/a". So a name that begins with "-" is never
//   taken for an option. Patterns see the path below the root alone.
// Links
//   A root that is a link is followed, always. Below, kAsIs takes a link for a link. kFollow
//   takes it for what it points to, or for a link if that is missing; a directory that is among
//   its own ancestors is not entered but named in `loops`. A tree that is reached by two links is
//   walked twice.
// Depth
//   A root is at depth 0, what lies directly in it at 1. Nothing deeper than max_depth is found.
// Disks
//   On a disk that turns, what a directory holds is looked at, and found, in the order of inodes. A
//   tree counts as lying on the disk of its root.
// Not chosen: fts(3) and nftw(3), which hold a whole walk in one thread, and descriptors kept
//   open for every directory in the list, of which a wide tree has more than the process may own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobs/disk/turning_disks.h"
#include "jobs/system_error.h"
#include "jobs/walk/directory.h"
#include "jobs/walk/path_filter.h"

namespace gorun::jobs {

enum class Symlinks : std::uint8_t { kAsIs, kFollow };

/// What to look for. Sizes are bytes and limit regular files only; with a limit, or with `sizes`,
/// each file costs one more system call.
struct WalkOptions {
  PathFilter filter = {};
  std::optional<FileType> type = FileType::kFile;  // nothing: every type
  Symlinks symlinks = Symlinks::kAsIs;
  bool hidden = true;  // report and enter names that begin with a dot (roots always are)
  std::optional<std::uint64_t> max_depth = std::nullopt;
  std::optional<std::uint64_t> min_size = std::nullopt;
  std::optional<std::uint64_t> max_size = std::nullopt;
  bool sizes = false;             // fill in Found::size
  TurningDisks* disks = nullptr;  // outlive the walker; nullptr: no disk turns
};

struct Found {
  std::string path;
  FileType type = FileType::kFile;
  std::optional<std::uint64_t> size = std::nullopt;  // of a regular file, if it was asked for
  bool is_root = false;                              // it was given, and not found below another
  std::uint64_t inode = 0;                           // on a disk that turns; else 0
};

/// The directories on the way to one, for the sake of loops. Shared between the steps below it.
struct Ancestry {
  dev_t device = 0;
  ino_t inode = 0;
  std::shared_ptr<const Ancestry> parent;  // nullptr: a root
};

/// A directory that is still to be entered. A plain value: keep it, move it to another thread.
struct PendingDirectory {
  std::string path;
  std::size_t root_length = 0;  // of the path's beginning that patterns do not see, with its slash
  std::uint64_t depth = 0;
  std::shared_ptr<const Ancestry> ancestry;  // of its parent; nullptr unless links are followed
  bool is_on_turning_disk = false;
};

/// What one step has found. The caller may pass the same one again: a step only appends.
struct WalkStep {
  std::vector<Found> found;
  std::vector<PendingDirectory> directories;
  std::vector<SystemError> errors;  // a directory or an entry that could not be looked at
  std::vector<std::string> loops;   // links to a directory above themselves, not entered

  void clear();
};

/// Immutable; safe to use from any thread.
class Walker {
 public:
  explicit Walker(WalkOptions options) : options_(std::move(options)) {}

  /// Begins at `root`: reports it if it is wanted, and names it as a directory to be entered if
  /// it is one. A root that is missing is an error. Blocks in stat.
  void begin(const std::string& root, WalkStep* step) const;

  /// Looks into one directory. Blocks in open and getdents64, and in stat where the options or
  /// the file system ask for it.
  void enter(const PendingDirectory& directory, DirectoryReader& reader, WalkStep* step) const;

 private:
  void look_at(const PendingDirectory& parent, int dirfd, const DirectoryEntry& entry,
               const std::shared_ptr<const Ancestry>& ancestry, WalkStep* step) const;
  [[nodiscard]] bool needs_size(FileType type) const;
  void report(Found found, WalkStep* step) const;

  WalkOptions options_;
};

}  // namespace gorun::jobs
