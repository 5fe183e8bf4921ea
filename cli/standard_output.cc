// cli/standard_output.cc - results of the commands that make them by themselves.

#include "cli/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace gorun::cli {

ExitCode print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(STDOUT_FILENO, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EPIPE) {
      return ExitCode::kOk;
    } else if (errno != EINTR) {
      std::fprintf(stderr, "gorun: error: cannot write to standard output: %s\n",
                   std::generic_category().message(errno).c_str());
      return ExitCode::kOutput;
    }
  }
  return ExitCode::kOk;
}

void reserve_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // open() takes the lowest free number, which is `fd`: those below are open by now. Where there
    // is no /dev/null the descriptor stays closed, as it was.
    static_cast<void>(open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

}  // namespace gorun::cli
