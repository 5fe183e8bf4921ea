// tests/support/fd_pairs.h - two ends of a pipe or a socket pair, as handles.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "runtime/io.h"

namespace gorun::test {

/// While it lives, writing without a reader is EPIPE and does not end the test's process.
struct IgnoreSigpipe {
  IgnoreSigpipe() { signal(SIGPIPE, SIG_IGN); }
  ~IgnoreSigpipe() { signal(SIGPIPE, SIG_DFL); }
};

/// The handle of a fresh descriptor; throws if there is none.
inline runtime::Fd adopt(int fd) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "no descriptor");
  runtime::FdResult made = runtime::Fd::adopt(fd);
  if (!made) throw std::system_error(made.error, std::generic_category(), "adopt");
  return std::move(made.fd);
}

struct PipeEnds {
  runtime::Fd reader, writer;
};

inline PipeEnds make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  return {adopt(ends[0]), adopt(ends[1])};
}

struct SocketEnds {
  runtime::Fd one, other;
};

inline SocketEnds make_socket_pair() {
  std::array<int, 2> ends{-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  return {adopt(ends[0]), adopt(ends[1])};
}

}  // namespace gorun::test
