// tests/cli/progress_test.cc - the progress display on a terminal, and its absence elsewhere.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "cli/progress.h"
#include "tests/support/command.h"
#include "tests/support/pty_command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::progress_test {

namespace {

constexpr std::chrono::milliseconds kFirstBlock{300};  // as in cli/progress.cc

// A job that reads lines from a fifo for as long as the test holds it open.
class HeldJob {
 public:
  explicit HeldJob(const ScratchDir& scratch) : fifo_(scratch / "lines") {
    REQUIRE(mkfifo(fifo_.c_str(), 0600) == 0);
    fd_ = open(fifo_.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd_ >= 0);
    path_ = scratch.write("job.json",
                          "{\"gorun\": 1, \"stages\": {\n"
                          "  \"input\": {\"kind\": \"lines\", \"path\": \"" +
                              fifo_ +
                              "\"},\n"
                              "  \"out\": {\"kind\": \"write\", \"from\": \"input\", "
                              "\"path\": \"" +
                              scratch / "out.txt" + "\"}}}\n");
  }
  ~HeldJob() { release(); }
  HeldJob(const HeldJob&) = delete;
  HeldJob& operator=(const HeldJob&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  void say(std::string_view text) const {
    REQUIRE(write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  // The job comes to its end.
  void release() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  std::string fifo_;
  std::string path_;
  int fd_ = -1;
};

}  // namespace

TEST_SUITE_BEGIN("cli/progress");

TEST_CASE("a terminal shows the stages, and nothing is left of them at the end") {
  const ScratchDir scratch;
  HeldJob job(scratch);
  PtyCommand gorun(gorun_argv({job.path()}), 80);
  job.say("one\ntwo\n");
  REQUIRE(gorun.wait_for("0 of 2 stages done"));
  REQUIRE(gorun.wait_for("input  running"));
  job.release();
  CHECK(gorun.finish() == 0);
  const std::vector<std::string> screen = gorun.screen();
  REQUIRE(screen.size() == 2);
  CHECK(screen[0].starts_with("gorun: ok: 2 stages, 2 items in "));
  CHECK(screen[1].empty());
  CHECK(read_whole_file(scratch / "out.txt") == "one\ntwo\n");
}

TEST_CASE("no line of the display is wider than the terminal") {
  const ScratchDir scratch;
  HeldJob job(scratch);
  PtyCommand gorun(gorun_argv({job.path()}), 24);
  REQUIRE(gorun.wait_for("out"));
  job.release();
  CHECK(gorun.finish() == 0);
  // A line that wrapped would have left its beginning behind.
  CHECK(gorun.screen().size() == 2);
  CHECK(gorun.raw().find("..\r") != std::string::npos);
}

TEST_CASE("a message stands above the display") {
  const ScratchDir scratch;
  HeldJob job(scratch);
  PtyCommand gorun(gorun_argv({"--log-level", "info", job.path()}), 80);
  REQUIRE(gorun.wait_for("0 of 2 stages done"));
  job.release();
  CHECK(gorun.finish() == 0);
  for (const std::string& line : gorun.screen()) {
    CAPTURE(line);
    CHECK((line.empty() || line.starts_with("gorun: ")));
  }
}

TEST_CASE("quiet, none, a dumb terminal and a job that is soon done show nothing") {
  const ScratchDir scratch;
  const std::string short_job = scratch.write(
      "short.json",
      "{\"gorun\": 1, \"stages\": {\"one\": {\"kind\": \"items\", \"items\": [\"x\"]},\n"
      " \"out\": {\"kind\": \"write\", \"from\": \"one\", \"path\": \"" +
          scratch / "x" + "\"}}}");
  const auto begin = std::chrono::steady_clock::now();
  PtyCommand soon_done(gorun_argv({short_job}), 80);
  CHECK(soon_done.finish() == 0);
  // On a loaded machine it may not be done that soon.
  if (std::chrono::steady_clock::now() - begin < kFirstBlock) {
    CHECK(soon_done.raw().find("stages done") == std::string::npos);
  }

  for (const char* flag : {"--quiet", "--progress=none"}) {
    CAPTURE(std::string(flag));
    PtyCommand gorun(gorun_argv({flag, short_job}), 80);
    CHECK(gorun.finish() == 0);
    CHECK(gorun.raw().find("\x1b[J") == std::string::npos);
  }
}

TEST_CASE("a pipe never gets control sequences") {
  const ScratchDir scratch;
  HeldJob job(scratch);
  job.say("one\n");
  job.release();
  // The fifo has no writer left: gorun opens it together with a writer of its own.
  const CommandResult result = run_command({"sh", "-c", "echo one > \"$1\" & \"$0\" \"$2\"",
                                            GORUN_BINARY, scratch / "lines", job.path()},
                                           {.env = {{"TERM", "xterm"}}});
  CHECK(result.status == 0);
  // On a slow machine a line on the progress may stand before it.
  CHECK(result.err.find("gorun: ok: 2 stages, 1 item in ") != std::string::npos);
  CHECK(result.err.find('\x1b') == std::string::npos);
}

TEST_SUITE_END();

}  // namespace gorun::test::progress_test
