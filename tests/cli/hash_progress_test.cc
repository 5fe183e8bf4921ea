// tests/cli/hash_progress_test.cc - how far hashing is, in words and on a terminal.

#include "cli/hash_progress.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/pty_command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::hash_progress_test {

using namespace gorun::cli;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_SUITE_BEGIN("cli/hash_progress");

TEST_CASE("before all is counted it says how much is done") {
  const HashFigures figures{milliseconds(3210), {12003, 210U << 20U}, 73.7e6};
  CHECK(hash_line(figures) == "gorun: 3.21 s, 12,003 files, 210 MiB, 70.3 MiB/s");
  CHECK_FALSE(time_left(figures));
  CHECK(hash_block(figures) == std::vector<std::string>{hash_line(figures)});
}

TEST_CASE("once all is counted it says of how much, and how long it will take") {
  HashFigures figures{seconds(10), {1, 100U << 20U}, 1048576.0 * 10};
  figures.total = gorun::jobs::HashTotals{40, 200U << 20U};
  CHECK(time_left(figures) == seconds(10));
  CHECK(hash_line(figures) ==
        "gorun: 10.0 s, 1 of 40 files, 100 MiB of 200 MiB, 10.0 MiB/s, 10.0 s left");
}

TEST_CASE("what has grown since it was counted is no negative time") {
  HashFigures figures{seconds(10), {41, 300U << 20U}, 1048576.0};
  figures.total = gorun::jobs::HashTotals{40, 200U << 20U};
  CHECK(time_left(figures) == seconds(0));
  CHECK(hash_line(figures).find("41 of 41 files, 300 MiB of 300 MiB") != std::string::npos);
}

TEST_CASE("what a cache knows is done, and no part of the rate") {
  HashFigures figures{seconds(10), {12003, 10U << 20U}, 1048576.0};
  figures.done.known_files = 11'990;
  figures.done.known_bytes = 200U << 20U;
  CHECK(bytes_done(figures) == 210U << 20U);
  CHECK(hash_line(figures) == "gorun: 10.0 s, 12,003 files (11,990 known), 210 MiB, 1.00 MiB/s");
  figures.total = gorun::jobs::HashTotals{12'010, 230U << 20U};
  CHECK(time_left(figures) == seconds(20));
  CHECK(hash_line(figures) ==
        "gorun: 10.0 s, 12,003 of 12,010 files (11,990 known), 210 MiB of 230 MiB, 1.00 MiB/s, "
        "20.0 s left");
  figures.done.known_bytes = 300U << 20U;  // they have grown since they were counted
  CHECK(time_left(figures) == seconds(0));
}

TEST_CASE("no time is foretold while nothing moves") {
  HashFigures figures{seconds(10), {0, 0}, 0};
  figures.total = gorun::jobs::HashTotals{1, 5};
  CHECK_FALSE(time_left(figures));
}

TEST_CASE("the file that holds the rest up has a line, safe on any terminal") {
  HashFigures figures{seconds(1), {7, 1U << 20U}, 1048576.0};
  figures.done.slowest = gorun::jobs::FileUnderWay{"a\x1b[2J.iso", 8ULL << 30U, 2ULL << 30U};
  const std::vector<std::string> lines = hash_block(figures);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].starts_with("  slowest: a"));
  CHECK(lines[1].ends_with(".iso, 2.00 GiB of 8.00 GiB"));
  CHECK(lines[1].find('\x1b') == std::string::npos);
}

TEST_CASE("a census is begun when somebody has waited, and stopped at the end") {
  const gorun::jobs::HashMeter meter(1);
  std::atomic<bool> was_stopped{false};
  {
    HashProgress progress(meter, [&](const std::atomic<bool>& stop) {
      stop.wait(false);
      was_stopped = true;
      return gorun::jobs::HashTotals{};
    });
    CHECK(progress.line(milliseconds(10)).find(" of ") == std::string::npos);
    CHECK(progress.line(seconds(5)).find(" of ") == std::string::npos);
  }
  CHECK(was_stopped);
}

TEST_CASE("a terminal shows it, and nothing is left of it at the end") {
  const ScratchDir scratch;
  const std::string fifo = scratch / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int held = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(held >= 0);
  PtyCommand gorun(
      {"sh", "-c", "exec \"$0\" hash - < \"$1\" > \"$2\"", GORUN_BINARY, fifo, scratch / "sums"},
      80);
  REQUIRE(::write(held, "abc", 3) == 3);
  REQUIRE(gorun.wait_for("0 files, 3 B, "));
  ::close(held);
  CHECK(gorun.finish() == 0);
  CHECK(gorun.screen() == std::vector<std::string>{""});
  CHECK(read_whole_file(scratch / "sums") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::hash_progress_test
