// jobs/cached_read.h - reading a file at an offset; a goroutine keeps its P unless it must wait.
//
// preadv2 with RWF_NOWAIT takes what the page cache holds and says when it would wait for a disk;
// only then the call is marked as blocking (runtime/blocking.h). Copying a piece out of the cache
// takes longer than a blocking call may before its P is taken away: marked always, every such read
// of a busy process costs a hand-off, and a thread more than there are processors.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>

namespace gorun::jobs {

/// What a read returned, and its errno, which is good only before the goroutine moves on.
struct ReadResult {
  ssize_t bytes = 0;  // negative: `error` says why
  int error = 0;
};

/// As an offset: where the file stands, which then moves on.
inline constexpr off_t kAtPosition = -1;

/// Reads at `offset`; fewer bytes than `buffer` has may come before the file ends, none only there.
///
/// threads  any. Not in a blocking section: what waits is one by itself.
[[nodiscard]] ReadResult cached_read(int fd, std::span<char> buffer, off_t offset);

/// Its two halves, for who has something to do before he waits. Nothing: it would wait, or fails in
/// a way that waiting_read() says again.
[[nodiscard]] std::optional<ReadResult> read_if_cached(int fd, std::span<char> buffer,
                                                       off_t offset);
[[nodiscard]] ReadResult waiting_read(int fd, std::span<char> buffer, off_t offset);

}  // namespace gorun::jobs
