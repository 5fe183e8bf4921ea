// runtime/poll/attempt.cc - see attempt.h.

#include "runtime/poll/attempt.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/poll/transfer.h"

namespace gorun::runtime::attempt {
namespace {

// Calls until no signal comes in between.
template <class Call>
[[gnu::always_inline]] inline auto retry(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return static_cast<decltype(result)>(-errno);
  }
}

}  // namespace

namespace library {

[[gnu::noinline]] ssize_t recv(int fd, void* buffer, std::size_t size) {
  return retry([&] { return ::recv(fd, buffer, size, 0); });
}

[[gnu::noinline]] ssize_t recvmsg(int fd, msghdr& message) {
  return retry([&] { return ::recvmsg(fd, &message, 0); });
}

[[gnu::noinline]] ssize_t send(int fd, const void* buffer, std::size_t size) {
  return retry([&] { return ::send(fd, buffer, size, MSG_NOSIGNAL); });
}

[[gnu::noinline]] ssize_t read(int fd, void* buffer, std::size_t size) {
  return retry([&] { return ::read(fd, buffer, size); });
}

[[gnu::noinline]] ssize_t write(int fd, const void* buffer, std::size_t size) {
  return retry([&] { return ::write(fd, buffer, size); });
}

}  // namespace library

[[gnu::noinline]] bool ask_for_input_queue(int fd) {
  const int on = 1;
  return ::setsockopt(fd, IPPROTO_TCP, TCP_INQ, &on, sizeof on) == 0;
}

[[gnu::noinline]] int incoming_cpu(int fd) {
  int cpu = -1;
  socklen_t size = sizeof cpu;
  return ::getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size) == 0 ? cpu : -1;
}

[[gnu::noinline]] ssize_t read_cached(int fd, void* buffer, std::size_t size, std::int64_t offset) {
  const iovec part{buffer, size};
  const ssize_t result = retry([&] { return ::preadv2(fd, &part, 1, offset, RWF_NOWAIT); });
  // Not yet the end: Linux 5.9 and 5.10 return 0 also where they would have to wait (preadv2(2),
  // "Bugs"). A read that may wait tells.
  if (result == 0) return -EAGAIN;
  // Old kernels do not know the call or the flag.
  return result == -ENOSYS || result == -EINVAL ? -EOPNOTSUPP : result;
}

[[gnu::noinline]] ssize_t read_file(int fd, void* buffer, std::size_t size, std::int64_t offset) {
  if (offset == kHere) return retry([&] { return ::read(fd, buffer, size); });
  return retry([&] { return ::pread(fd, buffer, size, offset); });
}

[[gnu::noinline]] ssize_t write_file(int fd, const void* buffer, std::size_t size,
                                     std::int64_t offset) {
  if (offset == kHere) return retry([&] { return ::write(fd, buffer, size); });
  return retry([&] { return ::pwrite(fd, buffer, size, offset); });
}

[[gnu::noinline]] int is_ready(int fd, PollMode mode) {
  pollfd asked{fd, static_cast<short>(mode == PollMode::kRead ? POLLIN : POLLOUT), 0};
  return retry([&] { return ::poll(&asked, 1, 0); });
}

[[gnu::noinline]] int accept(int fd) {
  return retry([&] { return ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); });
}

[[gnu::noinline]] int open(const char* path, int flags, unsigned mode) {
  return retry([&] { return ::open(path, flags, mode); });
}

[[gnu::noinline]] int close(int fd) {
  // Not repeated after EINTR: Linux has closed it by then.
  return ::close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

[[gnu::noinline]] int inspect(int fd, FdKind& kind) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return -errno;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)) {
    kind = FdKind::kFile;
  } else {
    kind = S_ISSOCK(status.st_mode) ? FdKind::kSocket : FdKind::kStream;
  }
  return 0;
}

[[gnu::noinline]] int set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_NONBLOCK) != 0) return 0;
  return ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : -errno;
}

}  // namespace gorun::runtime::attempt