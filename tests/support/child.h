// tests/support/child.h - runs a body in a child process and tells how that ended.
//
// For behaviours that end the process: a broken invariant aborts, and its message is part of the
// contract. The child is a fork of the test, so the body is written in place; it must be started
// from the main thread while no Runtime lives, because fork copies only the calling thread.
#pragma once

#include <functional>
#include <string>

namespace gorun::test {

struct ChildEnd {
  int exit_code = -1;  // of exit(), or -1 if a signal ended the child
  int signal = 0;      // that ended the child, or 0
  std::string errors;  // all it wrote to standard error
};

/// Runs `body` in a child, which exits with 0 if `body` returns. A child that does not end within a
/// minute is killed (signal 14, SIGALRM).
ChildEnd run_in_child(const std::function<void()>& body);

}  // namespace gorun::test
