// jobs/text/cached_file.h - what of a file lies in the page cache and nowhere else, so that it may
// be looked at there.
#pragma once

#include <cstdint>

namespace gorun::jobs {

/// True of file systems whose files lie in the page cache as long as they are mapped, and of which
/// a page is nothing but memory: not NFS, FUSE, or what the kernel makes up while it is read. What
/// lies above another file system (overlay) keeps no pages of its own, so it would never pass for
/// cached.
[[nodiscard]] bool is_known_file_system(int fd);

/// True if the cache has all bytes from `begin` to `end`. False also where the kernel does not say:
/// before Linux 6.5, and of files that this user could not write to.
[[nodiscard]] bool is_cached(int fd, std::uint64_t begin, std::uint64_t end);

}  // namespace gorun::jobs
