#include "jobs/hash/near_directory.h"

#include <fcntl.h>

#include <climits>

#include "jobs/walk/directory.h"

namespace gorun::jobs {

NearDirectory::Place NearDirectory::find(std::string_view path, std::string_view following) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == path.size()) return {AT_FDCWD, 0};
  const std::string_view directory = path.substr(0, slash + 1);
  if (handle_.is_open() && directory == path_) return {handle_.get(), slash + 1};
  const bool has_neighbour = following.starts_with(directory) &&
                             following.find('/', directory.size()) == std::string_view::npos;
  if (!has_neighbour && path.size() < PATH_MAX) return {AT_FDCWD, 0};
  forget();
  path_ = directory;
  handle_ = DirectoryReader::open_handle(path_);
  if (!handle_.is_open()) return {AT_FDCWD, 0};  // by the whole path it fails as well, and says why
  return {handle_.get(), slash + 1};
}

void NearDirectory::forget() {
  handle_.close();
  path_.clear();
}

}  // namespace gorun::jobs
