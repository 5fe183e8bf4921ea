// tests/jobs/output_file_test.cc - streams that cannot be told not to wait, and such whose reader
// is slow: all comes through, in order.

#include "jobs/output_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "jobs/interrupt.h"
#include "runtime/runtime.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::output_file_test {

namespace {

using namespace gorun::jobs;

std::string many_lines() {
  std::string lines;
  for (int i = 0; lines.size() < 300'000; ++i) lines += std::to_string(i) + '\n';
  return lines;
}

// What comes out of `fd`, up to so many bytes or its end, into `got`.
class Reader {
 public:
  Reader(int fd, std::size_t most) : thread_([this, fd, most] { read(fd, most); }) {}
  ~Reader() { thread_.join(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  [[nodiscard]] const std::string& all() {
    thread_.join();
    thread_ = std::thread([] {});
    return got_;
  }

 private:
  void read(int fd, std::size_t most) {
    std::array<char, 5000> bytes;  // no divisor of what a pipe or a terminal holds
    while (got_.size() < most) {
      const ssize_t count = ::read(fd, bytes.data(), bytes.size());
      if (count <= 0 && errno != EINTR) return;
      if (count > 0) got_.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }
  std::string got_;
  std::thread thread_;
};

// As its only content, in pieces of some sizes.
std::optional<std::string> write_all(const std::string& path, std::string_view bytes) {
  std::optional<std::string> wrong;
  const Interrupt never;
  runtime::Runtime rt({.procs = 2});
  rt.run([&] {
    OutputFile file(path, OutputFile::Mode::kInPlace, never.fd());
    const auto keep = [&](const std::optional<SystemError>& error) {
      if (error && !wrong) wrong = error->message();
      return !error;
    };
    if (!keep(file.open())) return;
    if (!file.is_stream()) wrong = "no stream";
    for (std::size_t piece = 1; !bytes.empty(); piece = piece * 5 + 3) {
      if (!keep(file.write(bytes.substr(0, piece)))) return;
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    static_cast<void>(keep(file.commit()));
  });
  return wrong;
}

}  // namespace

TEST_SUITE("jobs/output_file") {
  TEST_CASE("a terminal refuses writes that do not wait, and gets all by those that do") {
    int terminal = -1;
    int slave = -1;
    std::array<char, 200> name{};
    termios raw{};
    ::cfmakeraw(&raw);
    REQUIRE(::openpty(&terminal, &slave, name.data(), &raw, nullptr) == 0);
    char byte = 'x';
    const iovec one{&byte, 1};
    CHECK(::pwritev2(slave, &one, 1, -1, RWF_NOWAIT) == -1);  // what this test is about
    CHECK(errno == EOPNOTSUPP);
    const std::string lines = many_lines();
    {
      Reader reader(terminal, lines.size());
      CHECK(write_all(name.data(), lines) == std::nullopt);
      CHECK((reader.all() == lines));
    }
    ::close(slave);
    ::close(terminal);
  }

  TEST_CASE("what a pipe has no room for is written when its reader has made some") {
    const ScratchDir dir;
    const std::string path = dir.path() + "/fifo";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    // For both, so that it opens at once; never read from by the writer.
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    REQUIRE(::fcntl(fd, F_SETPIPE_SZ, 4096) >= 4096);
    const std::string lines = many_lines();
    {
      Reader reader(fd, lines.size());
      CHECK(write_all(path, lines) == std::nullopt);
      CHECK((reader.all() == lines));
    }
    ::close(fd);
  }
}

}  // namespace gorun::test::output_file_test
