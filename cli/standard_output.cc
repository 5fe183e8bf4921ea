// cli/standard_output.cc - results of the commands that make them by themselves.

#include "cli/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace gorun::cli {

int write_to_stdout(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(STDOUT_FILENO, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

ExitCode report_stdout_failure(int error_number) {
  std::fprintf(stderr, "gorun: error: cannot write to standard output: %s\n",
               std::generic_category().message(error_number).c_str());
  return ExitCode::kOutput;
}

ExitCode print(std::string_view text) {
  const int error = write_to_stdout(text);
  return error == 0 || error == EPIPE ? ExitCode::kOk : report_stdout_failure(error);
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
