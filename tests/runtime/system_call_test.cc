// tests/runtime/system_call_test.cc - system calls without the C library
// (runtime/arch/system_call.h).

#include "runtime/arch/system_call.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace gorun::test::system_call_test {

namespace {

using gorun::runtime::arch::system_call;

TEST_SUITE_BEGIN("runtime/system_call");

TEST_CASE("a call made in place returns what the C library's function does") {
  CHECK(system_call(SYS_getpid) == getpid());
}

TEST_CASE("an error is its number, negative, and errno stays as it was") {
  errno = ENOTTY;
  CHECK(system_call(SYS_close, -1) == -EBADF);
  CHECK(errno == ENOTTY);
}

TEST_CASE("all six arguments arrive, and what the kernel writes is seen") {
  int ends[2];
  int others[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(pipe2(others, O_CLOEXEC) == 0);
  const std::string text = "six words";
  CHECK(system_call(SYS_write, ends[1], text.data(), text.size()) == 9);
  CHECK(system_call(SYS_splice, ends[0], nullptr, others[1], nullptr, text.size(),
                    SPLICE_F_NONBLOCK) == 9);
  // The sixth: without it the empty pipe would block.
  CHECK(system_call(SYS_splice, ends[0], nullptr, others[1], nullptr, text.size(),
                    SPLICE_F_NONBLOCK) == -EAGAIN);
  char got[16] = {};
  CHECK(system_call(SYS_read, others[0], got, sizeof got) == 9);
  CHECK(std::string(got) == text);
  for (const int fd : {ends[0], ends[1], others[0], others[1]}) CHECK(close(fd) == 0);
}

TEST_SUITE_END();

}  // namespace

}  // namespace gorun::test::system_call_test
