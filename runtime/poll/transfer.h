// runtime/poll/transfer.h - a read and a write of a socket or stream: the system calls of every
// message, made in place (arch/system_call.h), so that all from the handle's read() down to the
// kernel is one function.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "runtime/arch/system_call.h"
#include "runtime/poll/poll_desc.h"

namespace gorun::runtime::attempt {

// Each returns what the system call does, or minus its errno; EINTR never.

/// By the C library's functions, where it may not be skipped. In attempt.cc.
namespace library {
ssize_t recv(int fd, void* buffer, std::size_t size);
ssize_t recvmsg(int fd, msghdr& message);
ssize_t send(int fd, const void* buffer, std::size_t size);
ssize_t read(int fd, void* buffer, std::size_t size);
ssize_t write(int fd, const void* buffer, std::size_t size);
}  // namespace library

/// Calls until no signal comes in between.
template <class... Arguments>
[[gnu::always_inline]] inline ssize_t call_in_place(long number, Arguments... arguments) {
  for (;;) {
    const long result = arch::system_call(number, arguments...);
    if (result != -EINTR) [[likely]]
      return result;
  }
}

/// recv(), and a look at what is left. The kernel counts an end of file as something left.
[[gnu::always_inline]] inline ssize_t receive(PollDesc& pd, void* buffer, std::size_t size) {
  iovec part{buffer, size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = arch::kMaySkipLibrary ? call_in_place(SYS_recvmsg, pd.fd, &message, 0)
                                            : library::recvmsg(pd.fd, message);
  const cmsghdr* told = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (told != nullptr && told->cmsg_level == IPPROTO_TCP && told->cmsg_type == TCP_CM_INQ) {
    int left = 0;
    std::memcpy(&left, CMSG_DATA(told), sizeof left);
    pd.drained = left == 0;
  }
  return got;
}

/// With the turn of kRead; keeps pd.drained.
[[gnu::always_inline]] inline ssize_t read(PollDesc& pd, void* buffer, std::size_t size) {
  if (pd.input_queue == InputQueue::kTold) return receive(pd, buffer, size);
  if (pd.kind == FdKind::kSocket) {
    if constexpr (!arch::kMaySkipLibrary) return library::recv(pd.fd, buffer, size);
    return call_in_place(SYS_recvfrom, pd.fd, buffer, size, 0, nullptr, nullptr);
  }
  if constexpr (!arch::kMaySkipLibrary) return library::read(pd.fd, buffer, size);
  return call_in_place(SYS_read, pd.fd, buffer, size);
}

[[gnu::always_inline]] inline ssize_t write(const PollDesc& pd, const void* buffer,
                                            std::size_t size) {
  if (pd.kind == FdKind::kSocket) {
    if constexpr (!arch::kMaySkipLibrary) return library::send(pd.fd, buffer, size);
    return call_in_place(SYS_sendto, pd.fd, buffer, size, MSG_NOSIGNAL, nullptr, 0);
  }
  if constexpr (!arch::kMaySkipLibrary) return library::write(pd.fd, buffer, size);
  return call_in_place(SYS_write, pd.fd, buffer, size);
}

}  // namespace gorun::runtime::attempt
