// tests/support/shell.h - asking an independent tool, such as sha256sum or sort.
#pragma once

#include <string>

namespace gorun::test {

struct ShellResult {
  std::string out;      // standard output, as bytes
  int exit_status = 0;  // as the shell's $?; 128 + signal if a signal ended it
};

/// Runs `script` by /bin/sh with LC_ALL=C; standard error goes where the test's goes.
[[nodiscard]] ShellResult run_shell(const std::string& script);

}  // namespace gorun::test
