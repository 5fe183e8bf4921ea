#include "tests/support/shell.h"

#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace gorun::test {

ShellResult run_shell(const std::string& script) {
  std::FILE* pipe = ::popen(("LC_ALL=C; export LC_ALL; " + script).c_str(), "re");
  if (pipe == nullptr) throw std::system_error(errno, std::generic_category(), "popen");
  ShellResult result;
  std::array<char, 65536> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    result.out.append(buffer.data(), got);
  }
  const int status = ::pclose(pipe);
  if (status < 0) throw std::system_error(errno, std::generic_category(), "pclose");
  result.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace gorun::test
