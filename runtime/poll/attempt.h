// runtime/poll/attempt.h - system calls of input and output, with the error in the result.
//
// errno belongs to the thread, and its address is a constant to the compiler, which may keep it
// across a park, after which it is another thread's. So errno is read here, out of line, right
// after the call, and never where a goroutine may park. The two that every message takes have none
// and are made in place: transfer.h.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "runtime/poll/poll_desc.h"

namespace gorun::runtime::attempt {

/// At the offset of the open file, rather than at one of the caller's.
inline constexpr std::int64_t kHere = -1;

// Each returns what the system call does, or minus its errno; EINTR never.

/// Has a TCP socket tell with each read how much is left. returns false: it does not.
bool ask_for_input_queue(int fd);
/// The processor on which the socket's last packet came in; -1: not known.
int incoming_cpu(int fd);
/// Reads a file as far as it is in the page cache; -EAGAIN if it is not or may end there,
/// -EOPNOTSUPP if unknown. `size` is not 0.
ssize_t read_cached(int fd, void* buffer, std::size_t size, std::int64_t offset);
ssize_t read_file(int fd, void* buffer, std::size_t size, std::int64_t offset);
ssize_t write_file(int fd, const void* buffer, std::size_t size, std::int64_t offset);
/// Is it ready, or in error? 1 or 0.
int is_ready(int fd, PollMode mode);
/// A connection, non-blocking and close-on-exec.
int accept(int fd);
int open(const char* path, int flags, unsigned mode);
int close(int fd);
/// Finds out what `fd` is. returns 0 or minus an errno.
int inspect(int fd, FdKind& kind);
int set_nonblocking(int fd);

}  // namespace gorun::runtime::attempt
