// tests/cli/exec_ends_test.cc - commands that hang, stop or cannot start, and machines that are
// full: each says why, and nothing is waited for in silence.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/lines.h"
#include "tests/support/pty_command.h"
#include "tests/support/scale.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/small_disk.h"

namespace gorun::test::exec_ends_test {

using gorun::test::lines_of;
using gorun::test::scaled;

namespace {

std::string numbers(int last) {
  std::string out;
  for (int i = 1; i <= last; ++i) out += std::to_string(i) + "\n";
  return out;
}

// One exec stage with these options, run once.
CommandResult run_once(const std::string& options, CommandOptions how = {}) {
  how.input = R"({"gorun": 1, "stages": {"e": {"kind": "exec", )" + options + "}}}";
  return run_gorun({"-q", "-"}, std::move(how));
}

// A control group with 20 MiB of memory, to which processes may be sent by writing to procs(); none
// where this process may not make one.
class LittleMemory {
 public:
  LittleMemory() {
    const std::string name = "/gorun-test-" + std::to_string(getpid());
    for (const auto& [root, limit] :
         {std::pair("/sys/fs/cgroup/memory", "/memory.limit_in_bytes"),  // version 1
          std::pair("/sys/fs/cgroup", "/memory.max")}) {
      const std::string group = root + name;
      if (mkdir(group.c_str(), 0700) != 0) continue;
      const int file = open((group + limit).c_str(), O_WRONLY | O_CLOEXEC);
      const bool is_set = file >= 0 && write(file, "20971520", 8) == 8;
      if (file >= 0) close(file);
      if (!is_set) {
        rmdir(group.c_str());
        continue;
      }
      path_ = group;
      return;
    }
  }
  ~LittleMemory() {
    if (is_there()) rmdir(path_.c_str());
  }
  LittleMemory(const LittleMemory&) = delete;
  LittleMemory& operator=(const LittleMemory&) = delete;
  [[nodiscard]] bool is_there() const { return !path_.empty(); }
  [[nodiscard]] std::string procs() const { return path_ + "/cgroup.procs"; }

 private:
  std::string path_;
};

}  // namespace

TEST_SUITE_BEGIN("cli/exec_ends");

TEST_CASE("heartbeat: a command that says nothing is ended, whoever hears what it says") {
  for (const char* output :
       {R"("output": "group")", R"("output": "line")", R"("stdout": "items")"}) {
    CAPTURE(std::string(output));
    const bool has_items = std::string_view(output).find("items") != std::string_view::npos;
    bool has_begun = false;
    // A loaded machine may need longer than the first of these to begin.
    for (const char* time : {"200 ms", "5 s", "50 s"}) {
      CAPTURE(std::string(time));
      std::string heartbeat = time;
      std::erase(heartbeat, ' ');
      const CommandResult result = run_gorun(
          {"-q", "-"},
          {.input = R"({"gorun": 1, "stages": {"e": {"kind": "exec", )" + std::string(output) +
                    R"(, "heartbeat": ")" + heartbeat + R"(", "shell": "echo begun; sleep 1000"})" +
                    (has_items ? R"(, "w": {"kind": "write", "from": "e"})" : "") + "}}"});
      CHECK(result.status == 1);
      CHECK(result.err.find(
                "gorun: error: stage \"e\" failed: the shell script: ended, because it had "
                "said nothing for " +
                std::string(time) + " (\"heartbeat\")\n") != std::string::npos);
      has_begun = result.out.find("begun\n") != std::string::npos;
      if (has_begun) break;
    }
    CHECK(has_begun);
  }
}

TEST_CASE("heartbeat: one that talks lives on, by files and by pipes") {
  for (const char* output : {"group", "line"}) {
    CAPTURE(std::string(output));
    struct Pace {
      std::string heartbeat;
      std::string pause;  // nine of them are longer than the heartbeat
    };
    CommandResult result;
    // On a loaded machine a pause may become longer than the first heartbeats.
    for (const Pace& pace : {Pace{"600ms", "0.1"}, Pace{"6s", "1"}, Pace{"60s", "10"}}) {
      result = run_once(R"("heartbeat": ")" + pace.heartbeat +
                        R"(", "shell": "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep )" +
                        pace.pause + R"(; done", "output": ")" + std::string(output) + "\"");
      if (result.status == 0) break;
    }
    CHECK(result.status == 0);
    CHECK(lines_of(result.out).size() == 9);
  }
}

TEST_CASE("a command that is stopped is told, once, with what lets it go on") {
  const ScratchDir scratch;
  Command gorun(gorun_argv({"-q", "-"}), {.input = R"({"gorun": 1, "stages": {"e": {"kind": "exec",
      "output": "group", "shell": "echo $$ > pid; kill -STOP $$; echo on"}}})",
                                          .directory = scratch.path()});
  REQUIRE(gorun.wait_for_err(" lets it go on]\n"));
  const std::string pid = lines_of(read_whole_file(scratch / "pid")).at(0);
  CHECK(kill(std::stoi(pid), SIGCONT) == 0);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 0);
  CHECK(result.out == "on\n");
  CHECK(result.err ==
        "[gorun: the shell script has been stopped by SIGSTOP and is waited for; kill -CONT " +
            pid + " lets it go on]\n");
}

TEST_CASE("a command that reads from the terminal is stopped by it, and that is told") {
  const ScratchDir scratch;
  const std::string job = scratch.write("job.json", R"({"gorun": 1, "stages": {"e": {"kind": "exec",
      "shell": "cat < /dev/tty"}}})");
  PtyCommand gorun(gorun_argv({job}), 200);
  CHECK(gorun.wait_for("has been stopped by SIGTTIN and is waited for; kill -CONT "));
  gorun.type("\x03");
  CHECK(gorun.wait_for("control-C again ends the commands"));
  gorun.type("\x03");
  CHECK(gorun.finish() == 130);
}

TEST_CASE("a command whose items nobody wants any more is asked to end before it is killed") {
  const ScratchDir scratch;
  const CommandResult result = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {
    "e": {"kind": "exec", "stdout": "items", "kill_after": "60s",
          "shell": "trap 'echo asked > asked; exit' TERM; while :; do echo x; done"},
    "t": {"kind": "take", "from": "e", "n": 1},
    "w": {"kind": "write", "from": "t"}}})",
                                                       .directory = scratch.path()});
  CHECK(result.status == 0);
  CHECK(result.out == "x\n");
  CHECK(read_whole_file(scratch / "asked") == "asked\n");
}

TEST_CASE(
    "a process that a command leaves behind is told of, and does not speak for the next one") {
  struct Way {
    std::string how;
    std::string more;
    std::string leave;
  };
  const std::string reader = R"(, "w": {"kind": "write", "from": "e"})";
  const std::string same_group = "sh -c";
  const std::string own_group = "setsid sh -c";
  for (const Way& way :
       {Way{R"("stdout": "items")", reader, same_group},
        Way{R"("stdout": "capture")", reader, same_group},
        Way{R"("stdin": "none")", "", same_group}, Way{R"("stdin": "items")", "", same_group},
        Way{R"("stdin": "none")", "", own_group}, Way{R"("stdin": "items")", "", own_group}}) {
    CAPTURE(way.how);
    CAPTURE(way.leave);
    const ScratchDir scratch;
    REQUIRE(mkfifo((scratch / "go_on").c_str(), 0600) == 0);
    REQUIRE(mkfifo((scratch / "said").c_str(), 0600) == 0);
    // Neither is ever at its end, whoever comes first.
    const int go_on = open((scratch / "go_on").c_str(), O_RDWR | O_CLOEXEC);
    const int said = open((scratch / "said").c_str(), O_RDWR | O_CLOEXEC);
    // A second command comes of a second item, or, of one that is fed, of a failure.
    const std::string job =
        R"({"gorun": 1, "stages": {
    "i": {"kind": "items", "items": ["1", "2"]},
    "e": {"kind": "exec", "from": "i", "workers": 1, "output": "group", "grace": "10ms",
          "on_error": "continue", )" +
        way.how +
        R"(, "shell":
      "if mkdir first; then )" +
        way.leave +
        R"( 'read x < go_on; echo late >&2; echo > said' & read y; exit 3; fi; echo > go_on; read x < said; cat"})" +
        way.more + "}}";
    const CommandResult result =
        run_gorun({"-q", "-"}, {.input = job, .directory = scratch.path()});
    CAPTURE(result.err);
    CHECK(result.status == 0);
    CHECK(result.err.find(
              "[gorun: the shell script has left a process behind that keeps its output open]\n") !=
          std::string::npos);
    CHECK(result.err.find("late") == std::string::npos);
    close(go_on);
    close(said);
  }
}

TEST_CASE("nice: commands run at a lower priority, by the command line or by the job") {
  const int ours = std::atoi(run_command({"nice"}).out.c_str());
  const auto lowered = [ours](int by) { return std::to_string(std::min(19, ours + by)) + "\n"; };
  CHECK(run_gorun({"map", "--nice", "7", "sh", "-c", "nice"}, {.input = "1\n"}).out == lowered(7));
  CHECK(run_once(R"("argv": ["nice"], "nice": 3)").out == lowered(3));
  // What the job says wins.
  CHECK(run_gorun({"-q", "--nice", "9", "-"}, {.input = R"({"gorun": 1, "stages": {
      "e": {"kind": "exec", "argv": ["nice"], "nice": 2}}})"})
            .out == lowered(2));
}

TEST_CASE("a load or a lack of memory that never ends lets one command run at a time") {
  const ScratchDir scratch;
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--max-load", "0"}, {"--memfree", "1000000GiB"}}) {
    CAPTURE(flags[0]);
    scratch.write("log", "");
    std::vector<std::string> arguments = {"map", "-j", "8"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    for (const char* word : {"sh", "-c", "echo + >> log; sleep 0.01; echo - >> log"}) {
      arguments.emplace_back(word);
    }
    const CommandResult result =
        run_gorun(arguments, {.input = numbers(10), .directory = scratch.path()});
    CHECK(result.status == 0);
    std::string expected;
    for (int i = 0; i < 10; ++i) expected += "+\n-\n";
    CHECK(read_whole_file(scratch / "log") == expected);
  }
  const CommandResult job = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1,
      "limits": {"max_load": 0, "memfree": "1GiB"}, "stages": {
      "a": {"kind": "exec", "argv": ["true"]}, "b": {"kind": "exec", "argv": ["true"]}}})"});
  CHECK(job.status == 0);
}

TEST_CASE("a command that waits for the load does not begin after control-C") {
  const ScratchDir scratch;
  REQUIRE(mkfifo((scratch / "gate").c_str(), 0600) == 0);
  const int gate = open((scratch / "gate").c_str(), O_RDWR | O_CLOEXEC);
  Command gorun(gorun_argv({"map", "-j", "3", "--max-load", "0", "--output", "raw", "--", "sh",
                            "-c", "echo begun $1 >&2; read x < gate; echo done", "sh"}),
                {.input = "1\n2\n3\n", .directory = scratch.path()});
  REQUIRE(gorun.wait_for_err("begun "));
  gorun.signal(SIGINT);
  REQUIRE(gorun.wait_for_err(" ends the commands\n"));
  CHECK(write(gate, "\n\n\n", 3) == 3);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 130);
  CHECK(result.out == "done\n");
  close(gate);
}

TEST_CASE("numbers that are none are refused") {
  const std::vector<std::vector<std::string>> wrong = {
      {"--max-load", "much", "it is a number of processes such as 8 or 2.5"},
      {"--nice", "20", "it is a whole number from 0 to 19"},
      {"--memfree", "0", "it is a number of bytes such as 4096, 512MiB or 2GiB"}};
  for (const std::vector<std::string>& words : wrong) {
    const CommandResult result = run_gorun({words[0], words[1], "x.json"});
    CHECK(result.status == 2);
    CHECK(result.err == "gorun: error: option \"" + words[0] + "\" cannot be \"" + words[1] +
                            "\"\n  hint: " + words[2] + "\n");
  }
}

TEST_CASE("too few descriptors: fewer commands at a time, and none is lost") {
  const CommandResult result = run_command(
      {"sh", "-c", "ulimit -n 40; exec \"$0\" map -j 60 -- sh -c 'sleep 0.02; echo $1' sh",
       GORUN_BINARY},
      {.input = numbers(60)});
  CAPTURE(result.err);
  CHECK(result.status == 0);
  CHECK(lines_of(result.out).size() == 60);
}

TEST_CASE("a disk that is full fails the command that writes, or the stage, and nobody hangs") {
  const ScratchDir scratch;
  const SmallDisk disk(scratch);
  if (!disk.is_mounted()) {
    MESSAGE("this process may not mount a small file system: only /dev/full is tried");
  } else {
    // What commands print goes to files in TMPDIR.
    const CommandResult prints =
        run_once(R"("output": "group", "shell": "head -c 300000 /dev/zero | tr '\\0' x")",
                 {.env = {{"TMPDIR", disk.path()}}});
    // It hears of that as of any other disk; what it says of it finds no room either.
    CHECK(prints.status == 1);
    CHECK(prints.out.size() < 300'000);
    CHECK(prints.err.find("failed: the shell script: exit 1\n") != std::string::npos);
    const CommandResult writes = run_gorun(
        {"-q", "-"}, {.input = R"({"gorun": 1, "stages": {"r": {"kind": "range", "to": 100000},
        "w": {"kind": "write", "from": "r", "path": ")" +
                               disk.path() + R"(/out"}}})"});
    CHECK(writes.status == 74);
    CHECK(writes.err.find("No space left on device") != std::string::npos);
    CHECK(access((disk.path() + "/out").c_str(), F_OK) != 0);  // whole or not there
  }
  const CommandResult full = run_gorun({"-q", "-"}, {.input = R"({"gorun": 1, "stages": {
      "e": {"kind": "exec", "output": "group", "argv": ["echo", "x"]}}})",
                                                     .stdout_path = "/dev/full"});
  CHECK(full.status == 74);
  CHECK(full.err.find("No space left on device") != std::string::npos);
}

TEST_CASE("a command that is killed by the system says so") {
  const CommandResult result = run_once(R"("output": "group", "shell": "kill -9 $$")");
  CHECK(result.status == 1);
  CHECK(result.err ==
        "gorun: error: stage \"e\" failed: the shell script: killed by SIGKILL (Killed)\n");
}

TEST_CASE("a command that the kernel kills for its memory says so, and the others go on") {
  const LittleMemory memory;
  if (!memory.is_there()) {
    MESSAGE("skipped: this process may not make a control group with a limit of memory");
    return;
  }
  const CommandResult result =
      run_gorun({"map", "-j1", "--", "sh", "-c",
                 "[ $2 = 2 ] || exec echo $2; echo $$ > \"$1\"; "
                 "exec dd bs=150M count=1 if=/dev/zero of=/dev/null 2> /dev/null",
                 "sh", memory.procs(), "{}"},
                {.input = "1\n2\n3\n"});
  if (result.status == 0) {
    MESSAGE("skipped: the kernel does not keep to the limit");
    return;
  }
  CHECK(result.status == 1);
  CHECK(result.out == "1\n3\n");
  CHECK(result.err.ends_with(": killed by SIGKILL (Killed) (item \"2\")\n"));
}

TEST_CASE("exit statuses that count as success are those of \"ok_codes\", and no others") {
  const auto status = [](const std::string& codes, const std::string& script) {
    return run_once(R"("ok_codes": )" + codes + R"(, "shell": ")" + script + "\"").status;
  };
  CHECK(status("[0, 3]", "exit 0") == 0);
  CHECK(status("[0, 3]", "exit 3") == 0);
  CHECK(status("[0, 3]", "exit 2") == 1);
  CHECK(status("3", "exit 3") == 0);
  CHECK(status("3", "exit 0") == 1);
  CHECK(status("[0, 137]", "kill -9 $$") == 1);  // a signal is no status, whatever a shell says
}

TEST_CASE("a command that fails fails where whoever started gorun ignores SIGCHLD, too") {
  const auto ends = [](const char* script) {
    return run_command(
        {"env", "--ignore-signal=CHLD", GORUN_BINARY, "map", "--", "sh", "-c", script},
        {.input = "1\n"});
  };
  CHECK(ends("exit 0").status == 0);
  const CommandResult failed = ends("exit 3");
  CHECK(failed.status == 1);
  CHECK(failed.err.find(": exit 3") != std::string::npos);
  // Commands have it at its default as well: bit 16.
  CHECK(ends("! grep -q '^SigIgn:.*[13579bdf]....$' /proc/self/status").status == 0);
}

TEST_CASE("many children that end at once are all seen to end") {
  const int children = scaled(1'000, 60);
  const ScratchDir scratch;
  REQUIRE(mkfifo((scratch / "gate").c_str(), 0600) == 0);
  REQUIRE(mkfifo((scratch / "begun").c_str(), 0600) == 0);
  const int begun = open((scratch / "begun").c_str(), O_RDWR | O_CLOEXEC);
  const int gate = open((scratch / "gate").c_str(), O_RDWR | O_CLOEXEC);
  Command gorun(
      {"sh", "-c",
       "seq $1 | \"$0\" map -j $1 -- sh -c 'exec < gate; echo > begun; read x; echo $1; exit 3' sh",
       GORUN_BINARY, std::to_string(children)},
      {.directory = scratch.path()});
  for (int i = 0; i < children; ++i) {
    char byte = 0;
    REQUIRE(read(begun, &byte, 1) == 1);
  }
  // The only writer goes: all of them read the end at once.
  close(gate);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 1);
  CHECK(static_cast<int>(lines_of(result.out).size()) == children);
  close(begun);
}

// Numbers of processes come round again soon in a namespace that has few. A child's number cannot
// be another's as long as it has not been waited for, and all that is sent or asked goes to one
// that has not (jobs/child_pump.h), or by its pidfd.
TEST_CASE("numbers of processes that are used again confuse nobody") {
  const std::string script =
      "echo 320 > /proc/sys/kernel/pid_max || exit 99; exec \"$0\" map -j 4 --output group -- "
      "sh -c 'echo $$ >&2; case $1 in *7) exit 7;; *9) kill -9 $$;; esac; echo $1' sh";
  const int commands = scaled(1'500, 400);
  const CommandResult result =
      run_command({"unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, GORUN_BINARY},
                  {.input = numbers(commands)});
  if (result.status == 99 || result.err.find("unshare: ") != std::string::npos) {
    MESSAGE("no namespace with few process numbers here: " << result.err);
    return;
  }
  CHECK(result.status == 1);
  CHECK(static_cast<int>(lines_of(result.out).size()) == commands - 2 * (commands / 10));
  // The numbers did come round.
  std::vector<std::string> pids;
  for (const std::string& line : lines_of(result.err)) {
    if (!line.empty() && line.find_first_not_of("0123456789") == std::string::npos) {
      pids.push_back(line);
    }
  }
  CHECK(static_cast<int>(pids.size()) == commands);
  std::ranges::sort(pids);
  CHECK(static_cast<int>(std::ranges::unique(pids).begin() - pids.begin()) < commands);
}

TEST_SUITE_END();

}  // namespace gorun::test::exec_ends_test
