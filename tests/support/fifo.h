// tests/support/fifo.h - a fifo between a test and what it runs, which is never at its end.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace gorun::test {

class Fifo {
 public:
  explicit Fifo(const std::string& path) {
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd_ >= 0);
  }
  ~Fifo() { close(fd_); }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;

  void write(std::string_view text) const {
    CHECK(::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  /// Waits until there are `size` bytes.
  [[nodiscard]] std::string read(std::size_t size) const {
    std::string text;
    std::array<char, 256> buffer;
    while (text.size() < size) {
      const ssize_t n = ::read(fd_, buffer.data(), std::min(buffer.size(), size - text.size()));
      REQUIRE(n > 0);
      text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  int fd_ = -1;
};

}  // namespace gorun::test
