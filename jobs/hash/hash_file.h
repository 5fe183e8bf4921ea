// jobs/hash/hash_file.h - the digests of one file, or an honest reason why there are none.
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
// Not chosen: mmap. A truncated file then raises SIGBUS, and page faults cost more than copies.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "jobs/expected.h"
#include "jobs/hash/digest.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// A good size for the buffer of hash_file(): stays in the second-level cache.
inline constexpr std::size_t kHashBufferBytes = std::size_t{256} * 1024;

/// How long hash_file() waits at most for a file that is being written as it arrives.
inline constexpr std::chrono::milliseconds kSettleLimit{40};

struct FileDigests {
  std::uint64_t size = 0;       // bytes hashed
  std::vector<Digest> digests;  // in the order of the pass
};

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

/// Reads the file `name`, relative to the directory `dirfd` (AT_FDCWD: the current one), and
/// returns its digests. Symbolic links are followed.
///
/// pass     empty on entry; empty again on return, also on failure.
/// buffer   at least one byte; kHashBufferBytes is a good size. Contents are scratch.
/// threads  any, with a pass and a buffer of one's own. Blocks in open and read.
[[nodiscard]] Expected<FileDigests, HashFileError> hash_file(int dirfd, const std::string& name,
                                                             DigestPass& pass,
                                                             std::span<char> buffer);

}  // namespace gorun::jobs
