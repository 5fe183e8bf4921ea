#include "jobs/cached_read.h"

#include <sys/uio.h>

#include <cerrno>

#include "runtime/blocking.h"

namespace gorun::jobs {

std::optional<ReadResult> read_if_cached(int fd, std::span<char> buffer, off_t offset) {
  const iovec piece = {buffer.data(), buffer.size()};
  // Whatever this fails with (EAGAIN; ENOSYS, EOPNOTSUPP or EINVAL of a kernel or a file system
  // that does not know it) is said again by the call that waits.
  const ssize_t cached = ::preadv2(fd, &piece, 1, offset, RWF_NOWAIT);
  if (cached < 0) return std::nullopt;
  // Linux 5.9 and 5.10 may say so, too, of what they would have to wait for (preadv2(2), "Bugs").
  if (cached == 0 && !buffer.empty()) return waiting_read(fd, buffer, offset);
  return ReadResult{cached, 0};
}

ReadResult waiting_read(int fd, std::span<char> buffer, off_t offset) {
  const iovec piece = {buffer.data(), buffer.size()};
  return runtime::blocking(runtime::Blocking::kBrief, [&] {
    const ssize_t bytes = ::preadv2(fd, &piece, 1, offset, 0);
    return ReadResult{bytes, bytes < 0 ? errno : 0};
  });
}

ReadResult cached_read(int fd, std::span<char> buffer, off_t offset) {
  const std::optional<ReadResult> cached = read_if_cached(fd, buffer, offset);
  return cached ? *cached : waiting_read(fd, buffer, offset);
}

}  // namespace gorun::jobs
