// jobs/hash/near_directory.h - files that lie in one directory are opened relative to it.
//
// The kernel looks up a path component by component. Neighbours of a walk share all but the last:
// their directory is looked up once, and each file by its name alone. The handle is O_PATH, so that
// what may be opened is the same as by the whole path, and what is missing fails as it would there.
//
// Not chosen: handles that come with the names from the walk. A bounded number of names is on its
//   way, of unbounded many directories, and a process may have 1,024 descriptors.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "jobs/file_descriptor.h"

namespace gorun::jobs {

/// threads  one at a time.
class NearDirectory {
 public:
  /// What to give to openat(): the directory, and how much of the path to leave out.
  struct Place {
    int dirfd = 0;
    std::size_t skip = 0;
  };

  /// Where to open `path`, which is relative to the current directory if it is relative.
  /// `following` is the path that will be opened next, or empty. Good until the next call. Blocks
  /// in open.
  [[nodiscard]] Place find(std::string_view path, std::string_view following);

  /// Forgets the directory: a path may mean another one by now.
  void forget();

 private:
  FileDescriptor handle_;
  std::string path_;  // of the handle, up to its last slash
};

}  // namespace gorun::jobs
