#include "jobs/file_stamp.h"

#include <sys/stat.h>

namespace gorun::jobs {
namespace {

std::int64_t nanoseconds_of(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileStamp stamp_of(const struct stat& status) {
  return {.size = status.st_size,
          .mtime_ns = nanoseconds_of(status.st_mtim),
          .ctime_ns = nanoseconds_of(status.st_ctim),
          .inode = status.st_ino,
          .device = status.st_dev};
}

std::optional<FileStamp> stamp_of(const std::string& path) {
  struct stat seen = {};
  if (::stat(path.c_str(), &seen) != 0) return std::nullopt;
  return stamp_of(seen);
}

}  // namespace gorun::jobs
