#include "jobs/interrupt.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace gorun::jobs {

Interrupt::Interrupt() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Interrupt::~Interrupt() { ::close(fd_); }

void Interrupt::raise() noexcept {
  const int saved = errno;
  raised_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  // The only possible failure is a counter near 2^64, which is a raised latch all the same.
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
  errno = saved;
}

}  // namespace gorun::jobs
