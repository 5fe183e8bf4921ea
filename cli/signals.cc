// cli/signals.cc - SIGINT, SIGTERM, SIGHUP and SIGTSTP as calls on an ordinary thread.

#include "cli/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace gorun::cli {
namespace {

bool is_ignored(int signal) {
  struct sigaction found {};
  return sigaction(signal, nullptr, &found) == 0 && found.sa_handler == SIG_IGN;
}

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

}  // namespace

SignalWatch::SignalWatch(Actions actions) : actions_(std::move(actions)) {
  sigemptyset(&watched_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP}) {
    if (!is_ignored(signal)) sigaddset(&watched_, signal);
  }
  signal_fd_ = checked(signalfd(-1, &watched_, SFD_CLOEXEC), "signalfd");
  stop_fd_ = checked(eventfd(0, EFD_CLOEXEC), "eventfd");
  pthread_sigmask(SIG_BLOCK, &watched_, &mask_before_);
  thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
  const std::uint64_t one = 1;
  // Cannot fail: the counter is 0 and the descriptor is ours.
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one, sizeof one);
  thread_.join();
  close(stop_fd_);
  close(signal_fd_);
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void SignalWatch::watch() {
  int count = 0;
  std::array<pollfd, 2> ready = {{{stop_fd_, POLLIN, 0}, {signal_fd_, POLLIN, 0}}};
  for (;;) {
    if (poll(ready.data(), ready.size(), -1) < 0) continue;  // EINTR, from a debugger
    if (ready[1].revents != 0) {
      signalfd_siginfo info{};
      if (read(signal_fd_, &info, sizeof info) != sizeof info) continue;
      const int signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGTSTP) {
        actions_.suspend();
        continue;
      }
      int none = 0;
      first_signal_.compare_exchange_strong(none, signal, std::memory_order_release,
                                            std::memory_order_relaxed);
      actions_.end(signal, ++count);
    } else if (ready[0].revents != 0) {
      return;
    }
  }
}

void set_dispositions() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);
}

}  // namespace gorun::cli
