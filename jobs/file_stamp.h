// jobs/file_stamp.h - what the kernel says of a file without reading it.
//
// As long as it is the same, so are the contents: ctime cannot be set, and jobs/hash/file_reading.h
// does not read a file within the tick of its last change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct stat;

namespace gorun::jobs {

struct FileStamp {
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

[[nodiscard]] FileStamp stamp_of(const struct stat& status);

/// Of the file at `path`, links followed; nothing if it cannot be looked at.
[[nodiscard]] std::optional<FileStamp> stamp_of(const std::string& path);

}  // namespace gorun::jobs
