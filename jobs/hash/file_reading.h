// jobs/hash/file_reading.h - one file on its way through a hash, watched for change.
//
// Only regular files are read: a FIFO would block for ever and a device may never end. The file
// is looked at before and after it is read, and a digest is given only if size, mtime and ctime
// are the same and as many bytes came as the size says; so a file that is written meanwhile is
// reported and never given a digest of a state that it never had.
//
// Before Linux 6.13 times move in ticks of 1 to 10 ms, and a second write within the tick of the
// first leaves no trace. So a file that was changed within the present tick is read only when the
// tick is over; one that does not rest for kSettleLimit counts as changing. A writer that is put
// to sleep between two of its writes leaves a file at rest, whose digest is given as it lies there.
//
// Files that the kernel makes up while they are read (proc, sysfs, cgroup) have no true size;
// what they deliver until their end is hashed.
//
// A goroutine that reads what the caches hold keeps its P: openat2 with RESOLVE_CACHED says when it
// would wait for a disk, as do reads (jobs/cached_read.h), and only then the call is marked as
// blocking (runtime/blocking.h). Without that, sections of a millisecond of hashing looked like
// blocked threads: their Ps were taken away and given back thousands of times a second. Before a
// disk that turns, who would wait takes a place in its queue first (jobs/disk/disk_place.h).
// Not chosen: mmap. Most files are small, and mapping less than a MiB takes longer than copying it
//   (of a GiB in windows of 256 KiB: 100 ms instead of 62; of 4 MiB: 48). And bytes that change
//   between the looks of two algorithms would give digests of two states.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "jobs/cached_read.h"
#include "jobs/disk/disk_place.h"
#include "jobs/expected.h"
#include "jobs/file_descriptor.h"
#include "jobs/file_stamp.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// How long FileReading::open() waits at most for a file that is being written as it arrives.
inline constexpr std::chrono::milliseconds kSettleLimit{40};

struct HashFileError {
  enum class Reason : std::uint8_t {
    kSystem,      // `system` says which call failed
    kNotRegular,  // directory, FIFO, socket or device; `detail` names it
    kChanged,     // the file changed while it was read; `detail` says how
  };
  Reason reason = Reason::kSystem;
  SystemError system;
  std::string detail;

  /// One line: `cannot open "a": Permission denied`, `"a" changed while it was read: ...`.
  [[nodiscard]] std::string message() const;
};

/// A regular file from open to close. Symbolic links are followed.
///
/// threads  one at a time; read_at() any number. Not in a blocking section: on a goroutine, what
///          waits is one by itself.
class FileReading {
 public:
  /// Opens `name`, without its first `skip` bytes, relative to the directory `dirfd` (AT_FDCWD: the
  /// current one). Blocks in open, and up to kSettleLimit for a file that is being written.
  /// place  outlives the reading; taken before a call that waits for the disk. nullptr: none is.
  [[nodiscard]] static Expected<FileReading, HashFileError> open(int dirfd, std::string name,
                                                                 std::size_t skip = 0,
                                                                 DiskPlace* place = nullptr);

  /// What `fd`, which stays the caller's, has open.
  [[nodiscard]] static Expected<FileReading, HashFileError> of(int fd, std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// The size that the file had when it was opened; 0 for files that the kernel makes up.
  [[nodiscard]] std::uint64_t expected_size() const {
    return static_cast<std::uint64_t>(before_.st_size);
  }

  /// Reads on until `buffer` is full or the file ends; returns the bytes read.
  [[nodiscard]] Expected<std::size_t, HashFileError> read(std::span<char> buffer);
  /// True if read() has come to the end.
  [[nodiscard]] bool is_at_end() const { return is_at_end_; }
  /// All that read() has returned.
  [[nodiscard]] std::uint64_t bytes_read() const { return total_; }

  /// Reads at `offset`, apart from read(). Fewer bytes than `buffer` has: the file ends there.
  [[nodiscard]] Expected<std::size_t, HashFileError> read_at(std::uint64_t offset,
                                                             std::span<char> buffer) const;

  /// What tells, another time, that the file is still the one that was read, once check() has found
  /// nothing. Nothing: it could not: the kernel makes its contents up, it lies in an image whose
  /// maker chose its times, or they move in steps so long that they may hide a change which is yet
  /// to come. An empty file is read sooner.
  [[nodiscard]] std::optional<FileStamp> stamp_to_keep() const;

  /// Comes last: nothing if the file is as it was and `bytes_read` bytes are all of it.
  [[nodiscard]] std::optional<HashFileError> check(std::uint64_t bytes_read) const;

 private:
  FileReading(FileDescriptor file, std::string name, const struct stat& before, DiskPlace* place)
      : file_(std::move(file)), name_(std::move(name)), before_(before), place_(place) {}

  [[nodiscard]] static Expected<FileReading, HashFileError> begin(FileDescriptor file,
                                                                  std::string name,
                                                                  DiskPlace* place);
  [[nodiscard]] ReadResult read_piece(std::span<char> buffer, off_t offset) const;

  FileDescriptor file_;
  std::string name_;
  struct stat before_;
  DiskPlace* place_;
  std::uint64_t total_ = 0;
  bool is_at_end_ = false;
};

}  // namespace gorun::jobs
