// Files that change while "read" reads them: records are never lost without a word.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "jobs/file_descriptor.h"
#include "tests/jobs/run_job.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::stages_read_test {

namespace {

using namespace gorun::jobs;
using gorun::test::failures_of;
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

TEST_SUITE_END();

}  // namespace gorun::test::stages_read_test
