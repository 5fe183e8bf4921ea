#include "tests/support/http_server.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace gorun::test {

HttpServer::HttpServer() {
  int input[2];
  int output[2];
  if (::pipe2(input, O_CLOEXEC) < 0 || ::pipe2(output, O_CLOEXEC) < 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  char name[] = GORUN_TEST_SERVER;
  char* const argv[] = {name, nullptr};
  const int failed = ::posix_spawn(&pid_, name, &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(input[0]);
  ::close(output[1]);
  input_ = input[1];
  if (failed != 0) throw std::system_error(failed, std::generic_category(), name);
  std::string line;
  char byte = 0;
  while (::read(output[0], &byte, 1) == 1 && byte != '\n') line += byte;
  ::close(output[0]);
  port_ = std::atoi(line.c_str());
  if (port_ == 0) throw std::runtime_error("the test server told no port");
}

HttpServer::~HttpServer() {
  ::close(input_);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string HttpServer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

}  // namespace gorun::test
