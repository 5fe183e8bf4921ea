// tests/cli/jobserver_test.cc - one limit for the commands of gorun and the jobs of make.
//
// Every job writes a line at its start and one at its end into one file, so the file tells how many
// ran at the same time.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::jobserver_test {

namespace {

struct Crowd {
  int jobs = 0;  // that have ended
  int most = 0;  // at the same time
};

Crowd read_crowd(const std::string& path) {
  Crowd crowd;
  int now = 0;
  for (const char c : read_whole_file(path)) {
    if (c == '+') crowd.most = std::max(crowd.most, ++now);
    if (c == '-') --now, ++crowd.jobs;
  }
  CHECK(now == 0);
  return crowd;
}

// A directory with the script "job", and a makefile whose target "all" is eight of them.
struct Scene {
  Scene() {
    const std::string job =
        dir.write("job", "#!/bin/sh\necho + >> '" + dir.path() + "/log'\nsleep 0.03\necho - >> '" +
                             dir.path() + "/log'\n");
    REQUIRE(chmod(job.c_str(), 0700) == 0);
    dir.write("log", "");
    dir.write(
        "many.mk",
        ".PHONY: all 1 2 3 4 5 6 7 8\nall: 1 2 3 4 5 6 7 8\n1 2 3 4 5 6 7 8:\n\t@" + job + "\n");
  }
  [[nodiscard]] Crowd crowd() const { return read_crowd(dir / "log"); }
  [[nodiscard]] std::string gorun(const std::string& arguments) const {
    return std::string(GORUN_BINARY) + " " + arguments;
  }
  ScratchDir dir;
};

// A fifo that is a make's jobserver with so many tokens.
struct Fifo {
  Fifo(const Scene& scene, const std::string& tokens) : path(scene.dir / "tokens") {
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(write(fd, tokens.data(), tokens.size()) == static_cast<ssize_t>(tokens.size()));
  }
  ~Fifo() { close(fd); }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  [[nodiscard]] int tokens() const {
    int size = 0;
    REQUIRE(ioctl(fd, FIONREAD, &size) == 0);
    return size;
  }
  std::string path;
  int fd = -1;
};

}  // namespace

TEST_SUITE_BEGIN("cli/jobserver");

TEST_CASE("nested makes and the commands that run them share one limit") {
  for (const char* jobs : {"1", "3"}) {
    CAPTURE(std::string(jobs));
    const Scene scene;
    const CommandResult result =
        run_gorun({"map", "-j", jobs, "--jobserver", "--", "make", "-s", "-f", "many.mk", "X={}"},
                  {.input = "a\nb\nc\n", .directory = scene.dir.path()});
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    const Crowd crowd = scene.crowd();
    CHECK(crowd.jobs == 24);
    CHECK(crowd.most <= std::stoi(jobs));
  }
}

TEST_CASE("a single nested make has the whole limit for itself") {
  const Scene scene;
  // The first of them waits for a second one, for half a minute at least.
  scene.dir.write("job", "#!/bin/sh\ncd '" + scene.dir.path() +
                             "'\necho + >> log\ni=0\n"
                             "while [ $(grep -c + log) -lt 2 ] && [ $i -lt 300 ]; do\n"
                             "  sleep 0.1; i=$((i + 1))\ndone\necho - >> log\n");
  const CommandResult result =
      run_gorun({"-j", "4", "-q", "-"}, {.input = R"({"gorun": 1, "stages": {"m": {"kind": "exec",
        "jobserver": true, "argv": ["make", "-s", "-f", "many.mk"]}}})",
                                         .directory = scene.dir.path()});
  CHECK(result.status == 0);
  const Crowd crowd = scene.crowd();
  CHECK(crowd.jobs == 8);
  CHECK(crowd.most <= 4);
  CHECK(crowd.most > 1);
}

TEST_CASE("under make -j gorun's commands are jobs of that make") {
  const Scene scene;
  scene.dir.write("top.mk", ".PHONY: all g m\nall: g m\ng:\n\t@+seq 12 | " +
                                scene.gorun("map -j 9 -- ./job {}") +
                                "\nm:\n\t@+$(MAKE) -s -f many.mk\n");
  const CommandResult result =
      run_command({"make", "-s", "-j3", "-f", "top.mk"}, {.directory = scene.dir.path()});
  CHECK(result.status == 0);
  CHECK(result.err.empty());  // where tokens are missing at the end, make says so
  const Crowd crowd = scene.crowd();
  CHECK(crowd.jobs == 20);
  CHECK(crowd.most <= 3);
}

TEST_CASE("a make below a gorun below a make takes part when it is asked to") {
  const Scene scene;
  scene.dir.write(
      "top.mk",
      "all:\n\t@+seq 2 | " + scene.gorun("map -j 9 --jobserver -- make -s -f many.mk X={}") + "\n");
  const CommandResult result =
      run_command({"make", "-s", "-j3", "-f", "top.mk"}, {.directory = scene.dir.path()});
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  const Crowd crowd = scene.crowd();
  CHECK(crowd.jobs == 16);
  CHECK(crowd.most <= 3);
}

TEST_CASE("one that is not asked to runs one job at a time, and is silent about it") {
  const Scene scene;
  scene.dir.write("top.mk",
                  "all:\n\t@+echo 1 | " + scene.gorun("map -- make -s -f many.mk X={}") + "\n");
  const CommandResult result =
      run_command({"make", "-s", "-j3", "-f", "top.mk"}, {.directory = scene.dir.path()});
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  CHECK(scene.crowd().most == 1);
}

TEST_CASE("a jobserver that make does not hand on is told, and is none") {
  const Scene scene;
  scene.dir.write("top.mk", "all:\n\t@echo 1 | " + scene.gorun("map -- ./job {}") + "\n");
  const CommandResult result =
      run_command({"make", "-s", "-j3", "-f", "top.mk"}, {.directory = scene.dir.path()});
  CHECK(result.status == 0);
  CHECK(result.err ==
        "gorun: warning: make's jobserver is not handed on to gorun: \"+\" in front of the command "
        "in the makefile does that\n");
}

TEST_CASE("tokens come from a fifo, and go back there when all is done") {
  const Scene scene;
  const Fifo fifo(scene, "xy");
  const CommandResult result =
      run_gorun({"map", "-j", "9", "--", "./job", "{}"},
                {.input = "1\n2\n3\n4\n5\n6\n7\n8\n",
                 .directory = scene.dir.path(),
                 .env = {{"MAKEFLAGS", " -j3 --jobserver-auth=fifo:" + fifo.path}}});
  CHECK(result.status == 0);
  const Crowd crowd = scene.crowd();
  CHECK(crowd.jobs == 8);
  CHECK(crowd.most <= 3);
  CHECK(fifo.tokens() == 2);
}

TEST_CASE("tokens go back however gorun ends, but for SIGKILL") {
  for (const int signals : {2, 3}) {
    CAPTURE(signals);
    const bool is_deaf = signals == 3;  // to SIGTERM
    const Scene scene;
    const Fifo fifo(scene, "xy");
    const std::string script = std::string(is_deaf ? "trap '' TERM; " : "") +
                               "echo begun >&2; while :; do sleep 100; done";
    Command gorun(gorun_argv({"map", "-j", "9", "--output", "raw", "--", "sh", "-c", script}),
                  {.input = "1\n2\n3\n4\n",
                   .directory = scene.dir.path(),
                   .env = {{"MAKEFLAGS", " -j3 --jobserver-auth=fifo:" + fifo.path}}});
    REQUIRE(gorun.wait_for_err("begun\nbegun\nbegun\n"));
    CHECK(fifo.tokens() == 0);
    gorun.signal(SIGINT);
    REQUIRE(gorun.wait_for_err("control-C again ends the commands\n"));
    gorun.signal(SIGINT);
    REQUIRE(gorun.wait_for_err("control-C again leaves at once\n"));
    if (is_deaf) gorun.signal(SIGINT);
    const CommandResult result = gorun.finish();
    CHECK(result.status == 130);
    CHECK(fifo.tokens() == 2);
  }
}

TEST_CASE("commands are handed a fifo by its name where they want one") {
  const Scene scene;
  const CommandResult result =
      run_gorun({"-j", "3", "-q", "-"}, {.input = R"({"gorun": 1, "stages": {"m": {"kind": "exec",
        "jobserver": true, "jobserver_style": "fifo",
        "shell": "f=${MAKEFLAGS##*fifo:}; test -p $f; t=$(dd if=$f bs=1 count=2 2>/dev/null); echo $t; printf %s $t > $f"}}})",
                                         .directory = scene.dir.path()});
  CHECK(result.status == 0);
  CHECK(result.out == "++\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::jobserver_test
