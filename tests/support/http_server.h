// tests/support/http_server.h - the server of http_server_main.cc, in a process of its own.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace gorun::test {

/// Runs as long as this lives. Every failure throws: a test that cannot set its scene must not
/// pass.
class HttpServer {
 public:
  HttpServer();
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:PORT" and `path`.
  [[nodiscard]] std::string url(std::string_view path) const;
  [[nodiscard]] int port() const { return port_; }

 private:
  pid_t pid_ = -1;
  int input_ = -1;  // its end ends the server
  int port_ = 0;
};

}  // namespace gorun::test
