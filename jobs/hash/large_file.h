// jobs/hash/large_file.h - the digests of one large file, with all cores at work on it.
//
// BLAKE3 alone: a tree. The file is cut into parts, goroutines take the next one, read it and make
// its subtree; the subtrees are put together at the end, in order.
//
// Anything else is a chain of bytes: one goroutine reads ahead into a ring of buffers, one for each
// algorithm works them off. The slowest sets the pace, and nobody waits for the disk.
//
// Memory is a few buffers, and 32 bytes for each of at most 32,768 parts.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "jobs/expected.h"
#include "jobs/hash/digest.h"
#include "jobs/hash/hash_file.h"

namespace gorun::jobs {

/// Smaller files than this are as fast in one goroutine.
inline constexpr std::uint64_t kLargeFileBytes = std::uint64_t{4} << 20;

/// Hears how many bytes have been read since it was last called; false: give up. Called on the
/// goroutine of the caller of hash_large_file(), every few milliseconds while all is well.
using HashProgress = std::function<bool(std::uint64_t bytes)>;

/// Reads `file`, of which nothing has been read.
///
/// workers  goroutines for BLAKE3; at least 1.
/// returns  kSystem with ECANCELED when `progress` gave up.
/// threads  on a goroutine, which parks until the others have ended.
[[nodiscard]] Expected<FileDigests, HashFileError> hash_large_file(
    FileReading& file, std::span<const Algorithm> algorithms, int workers,
    const HashProgress& progress);

}  // namespace gorun::jobs
