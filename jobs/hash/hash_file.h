// jobs/hash/hash_file.h - the digests of one file, or an honest reason why there are none.
//
// A digest is given only for a state that the file had; jobs/hash/file_reading.h has the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "jobs/expected.h"
#include "jobs/hash/digest.h"
#include "jobs/hash/file_reading.h"

namespace gorun::jobs {

/// A good size for the buffer of hash_file(): stays in the second-level cache.
inline constexpr std::size_t kHashBufferBytes = std::size_t{256} * 1024;

struct FileDigests {
  std::uint64_t size = 0;       // bytes hashed
  std::vector<Digest> digests;  // in the order of the pass
  bool was_read = true;         // false: they were known (jobs/hash/digest_cache.h)
};

/// Reads the file `name`, relative to the directory `dirfd` (AT_FDCWD: the current one), and
/// returns its digests. Symbolic links are followed.
///
/// pass     empty on entry; empty again on return, also on failure.
/// buffer   at least one byte; kHashBufferBytes is a good size. Contents are scratch.
/// threads  any, with a pass and a buffer of one's own. Waits for the disk
///          in blocking sections of its own.
[[nodiscard]] Expected<FileDigests, HashFileError> hash_file(int dirfd, const std::string& name,
                                                             DigestPass& pass,
                                                             std::span<char> buffer);

}  // namespace gorun::jobs
