// tests/cli/terminal_test.cc - messages above a status that is redrawn in place.

#include "cli/terminal.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

namespace gorun::test::terminal_test {

using gorun::cli::Screen;
using gorun::cli::Style;
using namespace std::chrono_literals;

namespace {

// The two ends of a pipe, where a Screen writes and a test reads.
class Pipe {
 public:
  Pipe() { REQUIRE(pipe(ends_.data()) == 0); }
  ~Pipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int write_end() const { return ends_[1]; }
  // What was written since the last call; there has to be something.
  [[nodiscard]] std::string take() const {
    std::array<char, 65536> buffer;
    const ssize_t n = read(ends_[0], buffer.data(), buffer.size());
    REQUIRE(n > 0);
    return {buffer.data(), static_cast<std::size_t>(n)};
  }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace

TEST_SUITE_BEGIN("cli/terminal");

TEST_CASE("a message is written as it is while no status stands") {
  const Pipe pipe;
  Screen screen(pipe.write_end(), false);
  screen.message("one\n");
  CHECK(pipe.take() == "one\n");
}

TEST_CASE("a status is drawn, redrawn in place, and gone before a message") {
  const Pipe pipe;
  Screen screen(pipe.write_end(), false);
  screen.status({"a", "b", "c"});
  CHECK(pipe.take() == "a\r\nb\r\nc");
  screen.status({"d"});
  CHECK(pipe.take() == "\r\x1b[2A\x1b[Jd");
  screen.message("told\n");
  CHECK(pipe.take() == "\r\x1b[Jtold\n");
  screen.message("again\n");
  CHECK(pipe.take() == "again\n");
}

TEST_CASE("a status that stands at the end is erased") {
  const Pipe pipe;
  {
    Screen screen(pipe.write_end(), false);
    screen.status({"a"});
    CHECK(pipe.take() == "a");
  }
  CHECK(pipe.take() == "\r\x1b[J");
}

TEST_CASE("status lines are cut and made safe; a pipe counts as 80 columns") {
  const Pipe pipe;
  Screen screen(pipe.write_end(), false);
  screen.status({"\x1b[2J" + std::string(100, 'x')});
  CHECK(pipe.take() == "?[2J" + std::string(73, 'x') + "..");
}

TEST_CASE("a message that is only tried waits for room as long as it may, and no longer") {
  const Pipe pipe;
  Screen screen(pipe.write_end(), false);
  screen.status({"a"});
  screen.try_message("told\n", 0ms);
  CHECK(pipe.take() == "a\r\x1b[Jtold\n");
  const int capacity = fcntl(pipe.write_end(), F_GETPIPE_SZ);
  REQUIRE(capacity > 0);
  const std::string full(static_cast<std::size_t>(capacity), 'x');
  screen.message(full);
  std::string expected = full;
  std::thread other;
  SUBCASE("nobody reads") { screen.try_message("lost\n", 5ms); }
  SUBCASE("nobody reads, and another thread waits in the middle of its message") {
    other = std::thread([&screen] { screen.message("waits\n"); });
    screen.try_message("lost\n", 5ms);
    expected += "waits\n";
  }
  SUBCASE("somebody reads in time") {
    other = std::thread([&screen] { screen.try_message("in time\n", 1h); });
    expected += "in time\n";
  }
  std::string read;
  while (read.size() < expected.size()) read += pipe.take();
  CHECK(read == expected);
  if (other.joinable()) other.join();
}

TEST_CASE("styles only on a screen with colours") {
  const Pipe pipe;
  CHECK(Screen(pipe.write_end(), false).styled(Style::kRed, "x") == "x");
  CHECK(Screen(pipe.write_end(), true).styled(Style::kRed, "x") == "\x1b[31mx\x1b[0m");
  CHECK(Screen(pipe.write_end(), true).styled(Style::kPlain, "x") == "x");
}

TEST_CASE("a pipe is no terminal, whatever TERM says") {
  const Pipe pipe;
  setenv("TERM", "xterm", 1);
  CHECK_FALSE(gorun::cli::is_smart_terminal(pipe.write_end()));
  CHECK_FALSE(gorun::cli::wants_colors(pipe.write_end()));
}

TEST_SUITE_END();

}  // namespace gorun::test::terminal_test
