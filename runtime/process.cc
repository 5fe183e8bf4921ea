// runtime/process.cc - see process.h.

#include "runtime/process.h"

#include <sys/wait.h>

#include <cerrno>

namespace gorun::runtime {
namespace {

// Reaps the child if it has ended. returns 1, 0, or minus an errno.
[[gnu::noinline]] int reap(int pidfd, siginfo_t& info) {
  info.si_pid = 0;
  // P_PIDFD is known since Linux 5.4. The kernel does not interrupt a call that does not wait.
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0) {
    return errno == EAGAIN ? 0 : -errno;  // EAGAIN: WNOHANG of a non-blocking pidfd
  }
  return info.si_pid == 0 ? 0 : 1;
}

}  // namespace

ProcessEnd wait_process(Fd& pidfd) {
  for (;;) {
    siginfo_t info{};
    const int fd = pidfd.get();
    if (fd < 0) return {IoStatus::kClosed, 0, 0, 0};
    const int reaped = reap(fd, info);
    if (reaped < 0) return {IoStatus::kError, -reaped, 0, 0};
    if (reaped > 0) {
      const bool exited = info.si_code == CLD_EXITED;
      return {IoStatus::kOk, 0, exited ? info.si_status : 0, exited ? 0 : info.si_status};
    }
    if (const IoResult ready = pidfd.wait_readable(); !ready) {
      return {ready.status, ready.error, 0, 0};
    }
  }
}

}  // namespace gorun::runtime
