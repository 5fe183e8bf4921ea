// jobs/hash/hash_stream.h - the digests of what an open descriptor delivers: standard input.
//
// A pipe or a terminal has no size and no times; what comes until the end is hashed. A file is
// watched as one that is opened by its name (jobs/hash/file_reading.h), and read from where the
// descriptor stands.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "jobs/hash/digest.h"
#include "jobs/hash/hash_files.h"

namespace gorun::jobs {

/// Reads `fd` to its end. `name` is for messages.
///
/// on_bytes  hears how many were read since the last call.
/// errors    kSystem, "read"; of a file those of FileReading, too.
/// threads   on a goroutine, which waits in blocking sections.
[[nodiscard]] HashResult hash_stream(int fd, const std::string& name,
                                     std::span<const Algorithm> algorithms,
                                     const std::function<void(std::uint64_t)>& on_bytes);

}  // namespace gorun::jobs
