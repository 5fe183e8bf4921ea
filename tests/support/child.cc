// tests/support/child.cc - fork, a pipe for standard error, waitpid.

#include "tests/support/child.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>

namespace gorun::test {

namespace {

constexpr unsigned kLimitS = 60;  // a sanitized child needs a few seconds

[[noreturn]] void be_the_child(int errors_fd, const std::function<void()>& body) {
  if (dup2(errors_fd, STDERR_FILENO) < 0) _exit(126);
  close(errors_fd);
  const rlimit no_core{0, 0};  // an expected abort should not fill the disk
  setrlimit(RLIMIT_CORE, &no_core);
  alarm(kLimitS);
  body();
  std::fflush(stderr);
  _exit(0);
}

std::string read_all(int fd) {
  std::string text;
  char block[4096];
  for (;;) {
    const ssize_t n = read(fd, block, sizeof block);
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::system_error(errno, std::generic_category(), "read from child");
    text.append(block, static_cast<std::size_t>(n));
  }
}

}  // namespace

ChildEnd run_in_child(const std::function<void()>& body) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  std::fflush(nullptr);  // or the child would write our buffers once more
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    close(pipe_ends[0]);
    be_the_child(pipe_ends[1], body);
  }
  close(pipe_ends[1]);
  ChildEnd end;
  end.errors = read_all(pipe_ends[0]);
  close(pipe_ends[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  }
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

}  // namespace gorun::test
