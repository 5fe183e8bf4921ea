#include "jobs/walk/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>

namespace gorun::jobs {
namespace {

// Holds about 800 entries of usual names: most directories in one call and one more for the end.
constexpr std::size_t kFirstBufferBytes = std::size_t{32} * 1024;
// An entry is at most a header and a name of 255 bytes; below this much room the kernel may
// refuse with EINVAL.
constexpr std::size_t kLargestEntryBytes = 512;

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK;

constexpr int kHandleFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

FileType type_of(int fd, const char* name, unsigned char d_type) {
  switch (d_type) {
    case DT_REG:
      return FileType::kFile;
    case DT_DIR:
      return FileType::kDirectory;
    case DT_LNK:
      return FileType::kSymlink;
    case DT_UNKNOWN: {
      struct stat seen = {};
      // What vanished since the directory was read is of no type; whoever opens it is told.
      if (::fstatat(fd, name, &seen, AT_SYMLINK_NOFOLLOW) != 0) return FileType::kOther;
      return file_type_of(seen.st_mode);
    }
    default:
      return FileType::kOther;
  }
}

// Opens a path longer than PATH_MAX: the longest part that ends at a slash, then the rest from
// there.
int open_piecewise(std::string_view path, int last_flags) {
  FileDescriptor at(AT_FDCWD);
  while (true) {
    std::string_view piece = path;
    if (piece.size() >= PATH_MAX) {
      const std::size_t slash = piece.rfind('/', PATH_MAX - 2);
      if (slash == std::string_view::npos) {
        errno = ENAMETOOLONG;
        return -1;
      }
      piece = piece.substr(0, slash + 1);
    }
    const std::string piece_path(piece);
    path.remove_prefix(piece.size());
    while (path.starts_with('/')) path.remove_prefix(1);
    const int fd = ::openat(at.get(), piece_path.c_str(), path.empty() ? last_flags : kHandleFlags);
    if (fd < 0 || path.empty()) return fd;
    at = FileDescriptor(fd);
  }
}

int open_any_length(const std::string& path, int flags) {
  return path.size() < PATH_MAX ? ::open(path.c_str(), flags) : open_piecewise(path, flags);
}

}  // namespace

FileType file_type_of(mode_t mode) {
  if (S_ISREG(mode)) return FileType::kFile;
  if (S_ISDIR(mode)) return FileType::kDirectory;
  if (S_ISLNK(mode)) return FileType::kSymlink;
  return FileType::kOther;
}

Expected<FileDescriptor, SystemError> DirectoryReader::open(const std::string& path) {
  const int fd = open_any_length(path, kDirectoryFlags);
  if (fd < 0) {
    const int number = errno;
    return SystemError{"open", number, path};
  }
  return FileDescriptor(fd);
}

FileDescriptor DirectoryReader::open_handle(const std::string& path) {
  return FileDescriptor(open_any_length(path, kHandleFlags));
}

Expected<std::vector<DirectoryEntry>*, SystemError> DirectoryReader::read(int fd,
                                                                          const std::string& path) {
  if (buffer_.empty()) buffer_.resize(kFirstBufferBytes);
  std::size_t used = 0;
  while (true) {
    if (buffer_.size() - used < kLargestEntryBytes) buffer_.resize(2 * buffer_.size());
    const ssize_t got = ::getdents64(fd, buffer_.data() + used, buffer_.size() - used);
    if (got < 0) {
      const int number = errno;
      return SystemError{"read directory", number, path};
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }

  // The buffer has stopped moving: names may point into it.
  entries_.clear();
  for (std::size_t at = 0; at < used;) {
    const char* record = buffer_.data() + at;
    unsigned short length = 0;
    std::memcpy(&length, record + offsetof(dirent64, d_reclen), sizeof length);
    std::uint64_t inode = 0;
    std::memcpy(&inode, record + offsetof(dirent64, d_ino), sizeof inode);
    const auto d_type = static_cast<unsigned char>(record[offsetof(dirent64, d_type)]);
    const char* name = record + offsetof(dirent64, d_name);
    at += length;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    entries_.push_back({name, type_of(fd, name, d_type), inode});
  }
  return &entries_;
}

}  // namespace gorun::jobs
