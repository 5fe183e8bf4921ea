// Files that change while "read" reads them, and FIFOs: records are never lost without a word, and
// a stop is heard.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "jobs/file_descriptor.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::stages_read_test {

namespace {

using namespace gorun::jobs;
using gorun::test::failures_of;
using gorun::test::read_whole_file;
using gorun::test::run_job;
using gorun::test::ScratchDir;

constexpr int kProcs[] = {1, 2, 8};

constexpr off_t kLineBytes = off_t{4} << 20;  // of each line of the file, and of a range
constexpr off_t kLines = 10;

// A short line and long ones, mostly holes, of which the disk has nothing.
void make_large_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  REQUIRE(::pwrite(file.get(), "h\n", 2, 0) == 2);
  for (off_t line = 1; line <= kLines; ++line) {
    REQUIRE(::pwrite(file.get(), "\n", 1, line * kLineBytes - 1) == 1);
  }
}

// A large file "big" is read by one worker. When its first line has arrived, `command` runs in the
// directory, and no more than a few lines go on before it has ended.
Outcome read_while(const ScratchDir& dir, const std::string& command, int procs,
                   const std::string& by) {
  make_large_file(dir / "big");
  dir.write("other", "one\ntwo\n");
  return run_job(R"({"gorun": 1, "stages": {
      "file": {"kind": "items", "items": [")" +
                     dir / "big" + R"("]},
      "text": {"kind": "read", "from": "file", "workers": 1},
      "lines": {"kind": "split", "from": "text", "by": ")" +
                     by + R"("},
      "short": {"kind": "map", "from": "lines", "text": "x"},
      "act": {"kind": "exec", "from": {"stage": "short", "buffer": 1}, "workers": 1,
              "cwd": ")" +
                     dir.path() + R"(", "shell": "test -e done || { : > done; )" + command +
                     R"(; }"}}})",
                 procs);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/stages/read");

TEST_CASE("a large file that is replaced or cut while it is read is a failure") {
  for (const int procs : kProcs) {
    for (const std::string by : {"lines", "csv"}) {
      CAPTURE(procs);
      CAPTURE(by);
      const ScratchDir dir;
      const std::string changed = "text: \"" + dir / "big" + "\" changed while it was read: ";
      const Outcome replaced = read_while(dir, "mv other big", procs, by);
      CHECK(replaced.state == RunState::kFailed);
      CHECK(failures_of(replaced) == changed + "another file has its name\n");

      ::unlink((dir / "done").c_str());
      const Outcome shortened = read_while(dir, "truncate -s 5M big", procs, by);
      CHECK(shortened.state == RunState::kFailed);
      CHECK(failures_of(shortened).starts_with(changed + "it had " +
                                               std::to_string(kLines * kLineBytes) +
                                               " bytes and has fewer (at byte "));
    }
  }
}

TEST_CASE("a large file that grows while it is read is read to its end") {
  for (const int procs : kProcs) {
    CAPTURE(procs);
    const ScratchDir dir;
    const Outcome grown = read_while(dir, "cat other >> big", procs, "lines");
    CHECK(failures_of(grown).empty());
    CHECK(grown.state == RunState::kSucceeded);
    CHECK(grown.stages[1].counts.bytes == static_cast<std::uint64_t>(kLines * kLineBytes) + 8);
  }
}

TEST_CASE("a stop is heard while a large file of CSV is looked through") {
  const ScratchDir dir;
  dir.write("big", "h\n");
  // A hole that takes minutes to read.
  if (::truncate((dir / "big").c_str(), off_t{1} << 40) != 0) {
    MESSAGE("skipped: the file system has no files so large");
    return;
  }
  for (const int procs : kProcs) {
    CAPTURE(procs);
    RunOptions options{.procs = procs};
    options.timeout = std::chrono::milliseconds(50);
    const Outcome outcome = run_job(R"({"gorun": 1, "stages": {
        "file": {"kind": "items", "items": [")" +
                                        dir / "big" + R"("]},
        "text": {"kind": "read", "from": "file"},
        "lines": {"kind": "split", "from": "text", "by": "csv"},
        "out": {"kind": "write", "from": "lines", "path": "/dev/null"}}})",
                                    options);
    CHECK(outcome.state == RunState::kTimedOut);
  }
}

namespace {

// A job that reads or writes what is called "fifo" in each way that there is.
std::vector<std::string> fifo_jobs(const std::string& fifo) {
  const std::string path = "\"" + fifo + "\"";
  const std::string read = R"("file": {"kind": "items", "items": [)" + path +
                           R"(]}, "text": {"kind": "read", "from": "file"},
                              "got": {"kind": "split", "from": "text"})";
  return {R"("got": {"kind": "lines", "path": )" + path + "}",
          R"("got": {"kind": "manifest", "path": )" + path + "}", read};
}

std::string write_job(const std::string& stages, const std::string& path) {
  return R"({"gorun": 1, "stages": {)" + stages +
         R"(, "out": {"kind": "write", "from": "got", "path": ")" + path + R"("}}})";
}

}  // namespace

TEST_CASE("a FIFO is read whether its writer comes before or after") {
  for (const int procs : kProcs) {
    const ScratchDir dir;
    const std::string fifo = dir / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const std::string line = std::string(64, '0') + "  name\n";
    const std::vector<std::string> jobs = fifo_jobs(fifo);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      for (const bool is_late : {false, true}) {
        CAPTURE(procs);
        CAPTURE(i);
        CAPTURE(is_late);
        std::thread writer([&] {
          // Without O_NONBLOCK it waits for the reader in open(2); with it, there is none before
          // the reader has opened the FIFO and found nobody.
          const int flags = O_WRONLY | O_CLOEXEC | (is_late ? O_NONBLOCK : 0);
          int fd = -1;
          while ((fd = ::open(fifo.c_str(), flags)) < 0) std::this_thread::yield();
          const FileDescriptor file(fd);
          static_cast<void>(::write(fd, line.data(), line.size()));
        });
        const Outcome outcome = run_job(write_job(jobs[i], dir / "out"), procs);
        writer.join();
        CHECK(failures_of(outcome).empty());
        CHECK(read_whole_file(dir / "out") == (i == 1 ? "name\n" : line));
      }
    }
  }
}

TEST_CASE("a stop is heard by who waits for the other end of a FIFO, or for what comes down one") {
  for (const int procs : kProcs) {
    const ScratchDir dir;
    const std::string fifo = dir / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    std::vector<std::string> jobs;
    for (const std::string& job : fifo_jobs(fifo)) jobs.push_back(write_job(job, dir / "out"));
    jobs.push_back(write_job(R"("got": {"kind": "items", "items": ["a"]})", fifo));
    for (const bool is_silent : {false, true}) {
      // The other end of a FIFO that is open and of which nothing is heard.
      const FileDescriptor other(is_silent ? ::open(fifo.c_str(), O_RDWR | O_CLOEXEC) : -1);
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (is_silent && i + 1 == jobs.size()) continue;  // the pipe has room
        CAPTURE(procs);
        CAPTURE(i);
        CAPTURE(is_silent);
        RunOptions options{.procs = procs};
        options.timeout = std::chrono::milliseconds(50);
        const Outcome outcome = run_job(jobs[i], options);
        CHECK(failures_of(outcome).empty());
        CHECK(outcome.state == RunState::kTimedOut);
      }
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::stages_read_test
