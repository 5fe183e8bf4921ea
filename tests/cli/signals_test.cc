// tests/cli/signals_test.cc - interrupting gorun: it stops, says so by its status, and leaves no
// child.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/child_groups.h"
#include "tests/support/command.h"
#include "tests/support/pty_command.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::signals_test {

namespace {

// A fifo to which commands write their process ids when they have begun.
class StartedPids {
 public:
  explicit StartedPids(const ScratchDir& scratch) : path_(scratch / "started") {
    REQUIRE(mkfifo(path_.c_str(), 0600) == 0);
    fd_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);  // for both, so that it never ends
    REQUIRE(fd_ >= 0);
  }
  ~StartedPids() { close(fd_); }
  StartedPids(const StartedPids&) = delete;
  StartedPids& operator=(const StartedPids&) = delete;

  // Waits for `count` lines and returns their numbers.
  [[nodiscard]] std::vector<pid_t> wait_for(std::size_t count) {
    std::vector<pid_t> pids;
    while (pids.size() < count) {
      const std::size_t end = text_.find('\n');
      if (end != std::string::npos) {
        pids.push_back(std::atoi(text_.c_str()));
        text_.erase(0, end + 1);
        continue;
      }
      std::array<char, 256> buffer;
      const ssize_t n = read(fd_, buffer.data(), buffer.size());
      REQUIRE(n > 0);
      text_.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return pids;
  }

 private:
  std::string path_;
  int fd_ = -1;
  std::string text_;
};

// Three commands at a time, each of which tells its process id and then runs `rest`.
std::string job_of_sleepers(const ScratchDir& scratch, const std::string& rest) {
  return scratch.write("job.json",
                       "{\"gorun\": 1, \"stages\": {\n"
                       "  \"numbers\": {\"kind\": \"items\", \"items\": "
                       "[\"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]},\n"
                       "  \"sleep\": {\"kind\": \"exec\", \"from\": \"numbers\", \"workers\": 3,\n"
                       "            \"shell\": \"echo $$ > started; " +
                           rest + "\"}}}\n");
}

bool is_stopped(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text[name_end + 2] == 'T';
}

bool wait_until_stopped(pid_t pid, bool stopped) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (is_stopped(pid) != stopped) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

// Lets one thread, `tid`, have only what is left of one core, and leaves next to nothing of it.
class BusyCpu {
 public:
  explicit BusyCpu(pid_t tid) : tid_(tid), policy_(sched_getscheduler(tid)) {
    REQUIRE(sched_getaffinity(0, sizeof allowed_, &allowed_) == 0);
    int cpu = 0;
    while (CPU_ISSET(cpu, &allowed_) == 0) ++cpu;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    for (std::thread& thread : threads_) {
      thread = std::thread([this, one] {
        sched_setaffinity(0, sizeof one, &one);
        ++spinning_;
        while (!stop_.load(std::memory_order_relaxed)) {
        }
      });
    }
    while (spinning_.load() < threads_.size()) std::this_thread::yield();
    const sched_param none{};
    REQUIRE(sched_setaffinity(tid, sizeof one, &one) == 0);
    REQUIRE(sched_setscheduler(tid, SCHED_IDLE, &none) == 0);
  }
  ~BusyCpu() {
    stop_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads_) thread.join();
    // Left like that it would hardly get on where others are busy, too. The policy is root's to
    // raise.
    const sched_param none{};
    static_cast<void>(sched_setscheduler(tid_, policy_, &none));
    static_cast<void>(sched_setaffinity(tid_, sizeof allowed_, &allowed_));
  }
  BusyCpu(const BusyCpu&) = delete;
  BusyCpu& operator=(const BusyCpu&) = delete;

 private:
  const pid_t tid_;
  const int policy_;
  cpu_set_t allowed_{};
  std::atomic<std::size_t> spinning_{0};
  std::atomic<bool> stop_{false};
  std::array<std::thread, 4> threads_;  // with one, the kernel lets `tid` run after some 3 ms
};

}  // namespace

TEST_SUITE_BEGIN("cli/signals");

TEST_CASE("the first signal lets the commands that run come to their end, and begins no other") {
  struct Ending {
    int signal;
    int status;
    const char* word;
    const char* next;
  };
  for (const Ending& ending : {Ending{SIGINT, 130, "interrupted", "control-C again"},
                               Ending{SIGTERM, 143, "terminated", "a further signal"},
                               Ending{SIGHUP, 129, "hung up", "a further signal"}}) {
    CAPTURE(std::string(ending.word));
    const ScratchDir scratch;
    StartedPids started(scratch);
    // A command ends when it may read from the fifo of its item.
    std::vector<int> gates;
    for (const char* name : {"1", "2", "3"}) {
      const std::string path = scratch / name;
      REQUIRE(mkfifo(path.c_str(), 0600) == 0);
      gates.push_back(open(path.c_str(), O_RDWR | O_CLOEXEC));
    }
    Command gorun(gorun_argv({job_of_sleepers(scratch, "read x < $1; echo done $1")}),
                  {.directory = scratch.path()});
    const std::vector<pid_t> children = started.wait_for(3);
    gorun.signal(ending.signal);
    REQUIRE(gorun.wait_for_err(" ends the commands\n"));
    for (const pid_t child : children) CHECK(kill(child, 0) == 0);
    for (const int gate : gates) CHECK(write(gate, "\n", 1) == 1);
    const CommandResult result = gorun.finish();
    CHECK(result.status == ending.status);
    CHECK_FALSE(result.was_signalled);
    for (const char* line : {"done 1\n", "done 2\n", "done 3\n"}) {
      CHECK(result.out.find(line) != std::string::npos);
    }
    CHECK(result.out.size() == 3 * std::string("done 1\n").size());
    // On a slow machine a line on the progress may stand before it.
    CHECK(result.err.find(std::string("gorun: ") + ending.word +
                          ": nothing more begins, and what is under way comes to its end; " +
                          ending.next + " ends the commands\n") != std::string::npos);
    CHECK(result.err.find("\ngorun: interrupted: ") != std::string::npos);
    for (const int gate : gates) close(gate);
  }
}

TEST_CASE("what streams from a command after the first signal still goes on") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  REQUIRE(mkfifo((scratch / "gate").c_str(), 0600) == 0);
  const int gate = open((scratch / "gate").c_str(), O_RDWR | O_CLOEXEC);
  Command gorun(gorun_argv({scratch.write("job.json", R"({"gorun": 1, "stages": {
    "i": {"kind": "items", "items": ["1", "2"]},
    "e": {"kind": "exec", "from": "i", "workers": 1, "stdout": "items",
          "shell": "echo a; echo $$ > started; read x < gate; echo b; echo c"},
    "upper": {"kind": "map", "from": "e", "text": "<${{ item }}>"},
    "w": {"kind": "write", "from": "upper"}}})")}),
                {.directory = scratch.path()});
  static_cast<void>(started.wait_for(1));
  gorun.signal(SIGINT);
  REQUIRE(gorun.wait_for_err(" ends the commands\n"));
  CHECK(write(gate, "\n", 1) == 1);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 130);
  CHECK(result.out == "<a>\n<b>\n<c>\n");
  close(gate);
}

TEST_CASE("a second signal ends the commands, and grandchildren with them") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  Command gorun(
      gorun_argv({job_of_sleepers(scratch, "sleep 1000 & echo $! > started; wait; exit 1")}),
      {.directory = scratch.path()});
  const std::vector<pid_t> processes = started.wait_for(6);
  gorun.signal(SIGINT);
  REQUIRE(gorun.wait_for_err("control-C again ends the commands\n"));
  gorun.signal(SIGINT);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 130);
  CHECK(result.err.find("gorun: interrupted again: the commands get SIGTERM, and those that go on "
                        "SIGKILL; control-C again leaves at once\n") != std::string::npos);
  for (const pid_t process : processes) CHECK(wait_until_ended(process));
}

// Commands that take no notice of SIGTERM.
const char* const kDeaf = "trap '' TERM; echo $$ > started; while :; do sleep 1000; done";

TEST_CASE("a second signal kills commands that ignore SIGTERM, after \"kill_after\"") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  std::string job = job_of_sleepers(scratch, kDeaf);
  std::string text = read_whole_file(job);
  text.replace(text.find("\"workers\": 3"), 0, "\"kill_after\": \"10ms\", ");
  job = scratch.write("job.json", text);
  Command gorun(gorun_argv({job}), {.directory = scratch.path()});
  const std::vector<pid_t> children = started.wait_for(6);
  gorun.signal(SIGINT);
  REQUIRE(gorun.wait_for_err("control-C again ends the commands\n"));
  gorun.signal(SIGINT);
  CHECK(gorun.finish().status == 130);
  for (const pid_t child : children) CHECK(kill(child, 0) == -1);  // ended and reaped
}

TEST_CASE("a third signal leaves at once, and kills what there is") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  std::string job = job_of_sleepers(scratch, kDeaf);
  std::string text = read_whole_file(job);
  text.replace(text.find("\"workers\": 3"), 0, "\"kill_after\": \"1h\", ");
  job = scratch.write("job.json", text);
  Command gorun(gorun_argv({"-q", job}), {.directory = scratch.path()});
  const std::vector<pid_t> children = started.wait_for(6);
  gorun.signal(SIGINT);
  REQUIRE(gorun.wait_for_err("control-C again ends the commands\n"));
  gorun.signal(SIGTERM);
  REQUIRE(gorun.wait_for_err("a further signal leaves at once\n"));
  gorun.signal(SIGINT);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 130);
  CHECK(result.err.ends_with("gorun: interrupted again: commands killed, leaving at once\n"));
  for (const pid_t child : children) CHECK(wait_until_ended(child));
}

TEST_CASE("signals are heard while nobody reads a full standard error") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  REQUIRE(mkfifo((scratch / "full").c_str(), 0600) == 0);
  const int full = open((scratch / "full").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  REQUIRE(full >= 0);
  while (write(full, "x", 1) == 1) {
  }
  Command gorun({"sh", "-c", "exec \"$0\" \"$1\" 2> full", GORUN_BINARY,
                 job_of_sleepers(scratch, "exec sleep 1000")},
                {.directory = scratch.path()});
  const std::vector<pid_t> children = started.wait_for(3);
  // Of three different ones none can be lost in another.
  gorun.signal(SIGINT);
  gorun.signal(SIGTERM);
  for (const pid_t child : children) CHECK(wait_until_ended(child));
  gorun.signal(SIGHUP);  // without it gorun would wait for a reader of how the run ended
  const CommandResult result = gorun.finish();
  CHECK(result.status == 129);
  CHECK_FALSE(result.was_signalled);
  close(full);
}

TEST_CASE("processes that end while gorun looks for its children are passed over") {
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i) {
    others.emplace_back([&stop] {
      char name[] = "true";
      char* const argv[] = {name, nullptr};
      pid_t pid = 0;
      while (!stop.load()) {
        if (posix_spawnp(&pid, name, nullptr, nullptr, argv, environ) == 0)
          waitpid(pid, nullptr, 0);
      }
    });
  }
  // Signal 0 reaches nobody. What the test is for ends it: an exception that nobody catches.
  for (int i = 0; i < 300; ++i) gorun::cli::signal_child_groups(0);
  stop = true;
  for (std::thread& other : others) other.join();
}

TEST_CASE("no command survives gorun, even when that is killed") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  const std::string job =
      job_of_sleepers(scratch, "trap '' TERM INT HUP; sh -c 'echo $$ > started; sleep 1000'; :");
  Command gorun(gorun_argv({"-q", job}), {.directory = scratch.path()});
  const std::vector<pid_t> pids = started.wait_for(6);
  gorun.signal(SIGKILL);
  CHECK(gorun.finish().status == 128 + SIGKILL);
  for (const pid_t pid : pids) CHECK(wait_until_ended(pid));
}

TEST_CASE("what commands leave behind ends with the run, and is counted") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  const std::string job =
      scratch.write("job.json", R"({"gorun": 1, "stages": {"leave": {"kind": "exec",
      "shell": "setsid sh -c 'echo $$ > started; sleep 1000' & sh -c 'echo $$ > started; sleep 1000' & read -r go < go"}}})");
  REQUIRE(mkfifo((scratch / "go").c_str(), 0600) == 0);
  Command gorun(gorun_argv({job}), {.directory = scratch.path()});
  const std::vector<pid_t> pids = started.wait_for(2);
  std::ofstream(scratch / "go") << "on\n";  // not before: what has not begun would be killed unseen
  const CommandResult result = gorun.finish();
  CHECK(result.status == 0);
  CHECK(result.err.find("processes that commands had left behind\n") != std::string::npos);
  for (const pid_t pid : pids) CHECK(wait_until_ended(pid));
}

TEST_CASE("what commands leave behind and gorun may not kill is not waited for") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root can leave a process behind that its heir may not kill");
    return;
  }
  // A process stands for gorun: its child stays root's, and itself becomes somebody else.
  std::array<int, 2> told{};
  REQUIRE(pipe2(told.data(), O_CLOEXEC) == 0);
  const pid_t heir = fork();
  REQUIRE(heir >= 0);
  if (heir == 0) {
    const auto sleeper = [&told] {
      const pid_t pid = fork();
      if (pid != 0) return pid;
      close(told[1]);
      alarm(120);  // should nobody end it
      pause();
      _exit(0);
    };
    const pid_t roots = sleeper();
    constexpr uid_t kSomebody = 61'000;
    if (roots < 0 || setresuid(kSomebody, kSomebody, kSomebody) != 0) _exit(1);
    if (sleeper() < 0) _exit(1);
    alarm(60);  // without an end of its own it would wait for root's
    const gorun::cli::LeftChildren left = gorun::cli::end_left_children();
    const std::array<int, 3> says = {left.killed, left.refused, roots};
    _exit(write(told[1], says.data(), sizeof says) == sizeof says ? 0 : 1);
  }
  close(told[1]);
  std::array<int, 3> says{};
  CHECK(read(told[0], says.data(), sizeof says) == sizeof says);
  close(told[0]);
  int status = 0;
  REQUIRE(waitpid(heir, &status, 0) == heir);
  CHECK(status == 0);
  CHECK(says[0] == 1);
  CHECK(says[1] == 1);
  if (says[2] > 0) CHECK(kill(says[2], SIGKILL) == 0);
}

TEST_CASE("SIGTSTP stops gorun and its commands, and SIGCONT lets both go on") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  Command gorun(gorun_argv({"-q", job_of_sleepers(scratch, "exec sleep 1000")}),
                {.directory = scratch.path()});
  std::vector<pid_t> pids = started.wait_for(3);
  pids.insert(pids.begin(), gorun.pid());  // when that has stopped, nobody lets the others go on
  // What stops gorun must not wait for its main thread: else the commands go on before it stops.
  std::optional<BusyCpu> busy;
  SUBCASE("at once") {}
  SUBCASE("while the main thread waits for its core") { busy.emplace(gorun.pid()); }
  gorun.signal(SIGTSTP);
  for (const pid_t pid : pids) CHECK(wait_until_stopped(pid, true));
  busy.reset();
  gorun.signal(SIGCONT);
  for (const pid_t pid : pids) CHECK(wait_until_stopped(pid, false));
  gorun.signal(SIGINT);
  REQUIRE(gorun.wait_for_err("control-C again ends the commands\n"));
  gorun.signal(SIGINT);
  CHECK(gorun.finish().status == 130);
}

TEST_CASE("the time for which control-Z stops a run is not that of its commands") {
  struct Pace {
    std::string timeout;
    std::chrono::milliseconds stopped;
  };
  CommandResult result;
  // A loaded machine may need longer than the first of these for what is to be done in time.
  for (const Pace& pace : {Pace{"2s", std::chrono::milliseconds(2200)},
                           Pace{"20s", std::chrono::milliseconds(20'200)}}) {
    const ScratchDir scratch;
    StartedPids started(scratch);
    REQUIRE(mkfifo((scratch / "go").c_str(), 0600) == 0);
    const int go = open((scratch / "go").c_str(), O_RDWR | O_CLOEXEC);
    const std::string job = scratch.write(
        "job.json", R"({"gorun": 1, "stages": {"e": {"kind": "exec", "timeout": ")" + pace.timeout +
                        R"(", "shell": "echo $$ > started; read -r x < go; echo $x"}}})");
    Command gorun(gorun_argv({"-q", "--timeout", pace.timeout, job}),
                  {.directory = scratch.path()});
    static_cast<void>(started.wait_for(1));
    gorun.signal(SIGTSTP);
    REQUIRE(wait_until_stopped(gorun.pid(), true));
    std::this_thread::sleep_for(pace.stopped);  // the time under test
    CHECK(write(go, "on\n", 3) == 3);
    gorun.signal(SIGCONT);
    result = gorun.finish();
    close(go);
    if (result.status == 0) break;
  }
  CHECK(result.status == 0);
  CHECK(result.out == "on\n");
}

TEST_CASE("a job that waits for standard input can be interrupted") {
  const ScratchDir scratch;
  REQUIRE(mkfifo((scratch / "silent").c_str(), 0600) == 0);
  scratch.write("job.json",
                "{\"gorun\": 1, \"stages\": {\n"
                "  \"in\": {\"kind\": \"lines\"},\n"
                "  \"out\": {\"kind\": \"write\", \"from\": \"in\"}}}\n");
  Command gorun({"sh", "-c", "exec \"$0\" --log-level info job.json 0<>silent", GORUN_BINARY},
                {.directory = scratch.path()});
  REQUIRE(gorun.wait_for_err("stage \"in\" started"));
  gorun.signal(SIGTERM);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 143);
  CHECK_FALSE(result.was_signalled);
}

TEST_CASE("an ignored SIGHUP stays ignored, as under nohup") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  const std::string job = job_of_sleepers(scratch, "exec sleep 1000");
  Command gorun({"sh", "-c", "trap '' HUP; exec \"$0\" \"$1\"", GORUN_BINARY, job},
                {.directory = scratch.path()});
  static_cast<void>(started.wait_for(3));
  gorun.signal(SIGHUP);
  gorun.signal(SIGINT);
  REQUIRE(gorun.wait_for_err("control-C again ends the commands\n"));
  gorun.signal(SIGINT);
  const CommandResult result = gorun.finish();
  CHECK(result.status == 130);
  CHECK(result.err.find("hung up") == std::string::npos);
}

TEST_CASE("control-C on a terminal ends the job and restores the terminal") {
  const ScratchDir scratch;
  StartedPids started(scratch);
  // A process in the background may change the terminal only if it ignores SIGTTOU.
  const std::string job = job_of_sleepers(
      scratch, "trap '' TTOU; stty -echo < /dev/tty; echo $$ > started; exec sleep 1000");
  PtyCommand gorun({"sh", "-c", "cd \"$1\"; exec \"$0\" job.json", GORUN_BINARY, scratch.path()},
                   80);
  const std::vector<pid_t> children = started.wait_for(6);
  CHECK_FALSE(gorun.echoes());
  gorun.type("\x03");
  REQUIRE(gorun.wait_for("control-C again ends the commands"));
  gorun.type("\x03");
  CHECK(gorun.finish() == 130);
  CHECK(gorun.echoes());
  for (const pid_t child : children) CHECK(kill(child, 0) == -1);
}

TEST_SUITE_END();

}  // namespace gorun::test::signals_test
