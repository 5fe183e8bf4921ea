#include "jobs/input_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/blocking.h"

namespace gorun::jobs {

InputStream::InputStream(int fd, int cancel_fd) : fd_(fd), cancel_fd_(cancel_fd), may_wait_(true) {
  struct stat status = {};
  if (::fstat(fd, &status) == 0) may_wait_ = !S_ISREG(status.st_mode);
}

bool InputStream::is_ready() const {
  if (!may_wait_) return true;
  pollfd input{fd_, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

InputStream::Got InputStream::read(char* into, std::size_t size) {
  const bool waits = may_wait_ && !is_ready();
  const auto how = waits ? runtime::Blocking::kLong : runtime::Blocking::kBrief;
  return runtime::blocking(how, [&]() -> Got {
    for (;;) {
      if (may_wait_) {
        pollfd fds[2] = {{fd_, POLLIN, 0}, {cancel_fd_, POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0 && errno != EINTR) return {.error_number = errno};
        if (fds[1].revents != 0) return {.is_stopped = true};
        if (fds[0].revents == 0) continue;
      }
      const ssize_t got = ::read(fd_, into, size);
      if (got >= 0) return {.bytes = static_cast<std::size_t>(got)};
      if (errno != EINTR && errno != EAGAIN) return {.error_number = errno};
    }
  });
}

FileDescriptor open_input(const std::string& path, int* error) {
  // Of a FIFO without a writer a read would say that it is at its end; poll(2) waits for the first.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  // Somebody has a lease on the file, and was asked to give it back.
  if (!file.is_open() && errno == EWOULDBLOCK) {
    file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!file.is_open()) *error = errno;
  return file;
}

}  // namespace gorun::jobs
