// jobs/walk/directory.h - the entries of one directory, read in few system calls.
//
// getdents64 by itself: readdir's buffer is 32 KiB and its entries are copied out one by one. An
// entry's type comes with its name on every file system that matters; where it does not
// (DT_UNKNOWN) it is asked for. Paths of any length can be opened: what is longer than PATH_MAX
// is opened piece by piece.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/file_descriptor.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

enum class FileType : std::uint8_t {
  kFile,
  kDirectory,
  kSymlink,
  kOther,  // FIFO, socket, device
};

/// The type of an st_mode.
[[nodiscard]] FileType file_type_of(mode_t mode);

/// One name in a directory; never "." or "..".
struct DirectoryEntry {
  std::string_view name;  // into the reader's memory, and followed by a NUL there
  FileType type = FileType::kOther;
  std::uint64_t inode = 0;
};

/// Reads directories one after the other into memory that is used again.
///
/// threads  one at a time.
class DirectoryReader {
 public:
  /// Opens the directory `path` (relative to the current one if it is relative); symbolic links
  /// are followed.
  /// errors  "open": ENOENT, ENOTDIR, EACCES, ELOOP, EMFILE, ...
  [[nodiscard]] static Expected<FileDescriptor, SystemError> open(const std::string& path);

  /// A handle (O_PATH) for what lies in the directory `path`, which need not be readable. Not open:
  /// it failed, and errno says why.
  [[nodiscard]] static FileDescriptor open_handle(const std::string& path);

  /// Reads all entries of an open directory, in the kernel's order. The view is good until the
  /// next call. Entries that vanish meanwhile may or may not be there.
  /// path    for error messages only.
  /// errors  "read directory".
  [[nodiscard]] Expected<std::vector<DirectoryEntry>*, SystemError> read(int fd,
                                                                         const std::string& path);

 private:
  std::vector<char> buffer_;  // linux_dirent64 records, as the kernel wrote them
  std::vector<DirectoryEntry> entries_;
};

}  // namespace gorun::jobs
