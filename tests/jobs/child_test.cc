// tests/jobs/child_test.cc - real children: started, fed, drained, ended.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "jobs/child_pump.h"
#include "jobs/subprocess.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::child_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using namespace std::chrono_literals;
using gorun::test::ScratchDir;

TEST_SUITE_BEGIN("jobs/child");

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

Command shell(const std::string& script) {
  ::signal(SIGPIPE, SIG_IGN);  // what the pump asks of its process
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

FinishedChild run(const Command& command, const PumpOptions& options = {},
                  std::size_t max_output = 16 * kMiB) {
  auto finished = run_child(command, options, max_output);
  REQUIRE_MESSAGE(finished.ok(), finished.error().message());
  return std::move(*finished);
}

// A child that has written already: one that a short time runs for may not have come that far.
Child start_and_hear(const std::string& script) {
  auto child = start_child(shell(script));
  REQUIRE(child.ok());
  pollfd out = {child->stdout_pipe.get(), POLLIN, 0};
  REQUIRE(::poll(&out, 1, -1) == 1);
  return std::move(*child);
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD; }

// True if a process of this group is alive; a zombie, which waits for its parent, is not.
bool group_is_alive(pid_t group) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (!std::isdigit(static_cast<unsigned char>(entry.path().filename().string()[0]))) continue;
    std::ifstream stat(entry.path() / "stat");
    std::string text;
    std::getline(stat, text);
    // "pid (name) state ppid pgrp ...", where the name may hold anything.
    std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
    char state = 'Z';
    pid_t parent = 0;
    pid_t its_group = 0;
    fields >> state >> parent >> its_group;
    if (its_group == group && state != 'Z' && state != 'X') return true;
  }
  return false;
}

// Waits until group_is_alive() is false; a signal is delivered soon, but not at once.
bool group_is_gone(pid_t group) {
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  while (group_is_alive(group)) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("output, error output and exit code") {
  const FinishedChild child = run(shell("echo out; echo err >&2; exit 7"));
  CHECK(child.out == "out\n");
  CHECK(child.err == "err\n");
  CHECK(child.result.exit_code == 7);
  CHECK(child.result.signal == 0);
  CHECK(child.result.message() == "exit 7");
  CHECK(child.result.max_rss_bytes > 0);
  CHECK(!child.result.pipe_left_open);
}

TEST_CASE("arguments arrive byte by byte") {
  const std::vector<std::string> arguments = {"",   " ",  "a b",      "\"'\\$`*",
                                              "-n", "\n", "\xff\xfe", std::string(100'000, 'x')};
  Command command;
  command.argv = {"printf", "%s|"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  std::string expected;
  for (const std::string& argument : arguments) expected += argument + "|";
  CHECK(run(command).out == expected);
  command.argv.push_back(std::string("a\0b", 3));
  CHECK(run_child(command, {}, 1).error().error_number == EINVAL);
}

TEST_CASE("a MiB on both pipes at once") {
  const FinishedChild child =
      run(shell("head -c 1048576 /dev/zero & head -c 1048576 /dev/zero >&2; wait"));
  CHECK(child.out == std::string(kMiB, '\0'));
  CHECK(child.err == std::string(kMiB, '\0'));
}

TEST_CASE("a MiB of input comes back") {
  std::string input(kMiB, '\0');
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<char>(i * 31 >> 3);
  Command command = shell("cat");
  command.stdin_mode = StreamMode::kPipe;
  CHECK(run(command, {.input = input}).out == input);
}

TEST_CASE("input that nobody reads is no error, and no input is an end") {
  const std::string input(kMiB, 'x');
  Command command = shell("exec <&-; echo done");
  command.stdin_mode = StreamMode::kPipe;
  CHECK(run(command, {.input = input}).out == "done\n");
  command = shell("cat; echo end");
  command.stdin_mode = StreamMode::kPipe;
  CHECK(run(command).out == "end\n");
}

TEST_CASE("output beyond the limit is counted and thrown away") {
  const FinishedChild child = run(shell("head -c 3000000 /dev/zero; echo x >&2"), {}, 1000);
  CHECK(child.out == std::string(1000, '\0'));
  CHECK(child.out_bytes == 3'000'000);
  CHECK(child.err == "x\n");
}

TEST_CASE("error output merged into output keeps the order of the writes") {
  Command command = shell("echo 1; echo 2 >&2; echo 3");
  command.merge_stderr = true;
  const FinishedChild child = run(command);
  CHECK(child.out == "1\n2\n3\n");
  CHECK(child.err.empty());
}

TEST_CASE("streams to nowhere") {
  Command command = shell("echo x; echo y >&2; cat");
  command.stdout_mode = StreamMode::kNull;
  command.stderr_mode = StreamMode::kNull;
  const FinishedChild child = run(command);
  CHECK(child.out_bytes + child.err_bytes == 0);
  CHECK(child.result.exit_code == 0);
}

TEST_CASE("killed by a signal") {
  const FinishedChild child = run(shell("kill -SEGV $$"));
  CHECK(child.result.signal == SIGSEGV);
  CHECK(child.result.message() == "killed by SIGSEGV (Segmentation fault)");
}

TEST_CASE("a child of which the kernel has forgotten how it ended is no success") {
  ::signal(SIGCHLD, SIG_IGN);
  const FinishedChild child = run(shell("exit 0"));
  ::signal(SIGCHLD, SIG_DFL);
  CHECK(child.result.exit_code == kUnknownExit);
  CHECK(child.result.signal == 0);
  CHECK(child.result.message() == "nobody knows how it ended");
}

TEST_CASE("what cannot be run says why") {
  const ScratchDir scratch;
  const auto error_of = [](const std::string& program, const std::string& cwd = "") {
    Command command;
    command.argv = {program};
    command.cwd = cwd;
    const auto child = start_child(command);
    REQUIRE(!child.ok());
    return child.error().message();
  };
  const std::string plain = scratch.write("plain", "x");
  const std::string script = scratch.write("script", "#!/no/such/interpreter\n");
  REQUIRE(::chmod(script.c_str(), 0755) == 0);
  CHECK(error_of("no-such-program-x") ==
        "cannot run \"no-such-program-x\": No such file or directory");
  CHECK(error_of("/no/such\xff") == "cannot run \"/no/such\\xff\": No such file or directory");
  CHECK(error_of(plain) == "cannot run \"" + plain + "\": Permission denied");
  CHECK(error_of(scratch.path()) == "cannot run \"" + scratch.path() + "\": Permission denied");
  CHECK(error_of(script) ==
        "cannot find the interpreter of \"" + script + "\": No such file or directory");
  CHECK(error_of("/bin/true", "/no/dir") ==
        "cannot enter directory \"/no/dir\": No such file or directory");
  CHECK(error_of("") == "cannot run: No such file or directory");
  CHECK(find_program("plain", scratch.path().c_str()).error().error_number == EACCES);
  CHECK(!has_children());
}

TEST_CASE("arguments that are too long are refused by the system") {
  Command command;
  command.argv = {"/bin/true", std::string(kMiB, 'x')};
  const auto child = start_child(command);
  REQUIRE(!child.ok());
  CHECK(child.error().error_number == E2BIG);
}

TEST_CASE("a script without a first line is run by the shell") {
  const ScratchDir scratch;
  const std::string script = scratch.write("script", "echo \"script $1\"\n");
  REQUIRE(::chmod(script.c_str(), 0755) == 0);
  Command command;
  command.argv = {script, "a b"};
  CHECK(run(command).out == "script a b\n");
}

TEST_CASE("working directory and environment") {
  const ScratchDir scratch;
  Command command = shell("pwd -P; echo \"$A|$B|${HOME+home}\"");
  command.cwd = scratch.path();
  const std::vector<std::pair<std::string, std::string>> additions = {
      {"A", "first"}, {"B", "x=\xff"}, {"A", "second"}};
  command.environment = std::make_shared<EnvironmentBlock>(additions);
  const std::string home = ::getenv("HOME") != nullptr ? "home" : "";
  CHECK(run(command).out ==
        std::filesystem::canonical(scratch.path()).string() + "\nsecond|x=\xff|" + home + "\n");
}

TEST_CASE("a program is looked up in the PATH of the child") {
  const ScratchDir scratch;
  const std::string script = scratch.write("bin/only-here", "#!/bin/sh\necho found\n");
  REQUIRE(::chmod(script.c_str(), 0755) == 0);
  Command command;
  command.argv = {"only-here"};
  const std::vector<std::pair<std::string, std::string>> additions = {
      {"PATH", "/nowhere:" + (scratch / "bin")}};
  command.environment = std::make_shared<EnvironmentBlock>(additions);
  CHECK(run(command).out == "found\n");
}

TEST_CASE("a child inherits no descriptor, no blocked signal and no handler") {
  const int leaked = ::open("/dev/null", O_RDONLY);  // not close-on-exec, as a library might
  REQUIRE(leaked >= 0);
  struct sigaction action = {};
  struct sigaction saved = {};
  action.sa_handler = [](int) {};
  REQUIRE(::sigaction(SIGUSR1, &action, &saved) == 0);
  ::signal(SIGUSR2, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const FinishedChild child = run(shell("ls /proc/self/fd | wc -l; exec cat /proc/self/status"));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::sigaction(SIGUSR1, &saved, nullptr);
  ::signal(SIGUSR2, SIG_DFL);
  ::close(leaked);
  CHECK(child.out.substr(0, 2) == "4\n");  // three streams, and the directory itself
  CHECK(child.out.find("SigBlk:\t0000000000000000") != std::string::npos);
  CHECK(child.out.find("SigCgt:\t0000000000000000") != std::string::npos);
  // Of what is ignored: SIGUSR2 (bit 11) still is, SIGPIPE (bit 12) is not.
  const std::size_t at = child.out.find("SigIgn:\t");
  REQUIRE(at != std::string::npos);
  const auto ignored = std::stoull(child.out.substr(at + 8, 16), nullptr, 16);
  CHECK((ignored >> (SIGUSR2 - 1) & 1) == 1);
  CHECK((ignored >> (SIGPIPE - 1) & 1) == 0);
}

TEST_CASE("a child has a process group of its own") {
  auto child = start_child(shell(":"));
  REQUIRE(child.ok());
  CHECK(::getpgid(child->pid) == child->pid);
  CHECK(::getpgid(child->pid) != ::getpgrp());
  ChildPump pump(std::move(*child), {});
  while (!pump.next().is_end()) {
  }
}

TEST_CASE("a timeout ends a child and its group") {
  auto child = start_child(shell("sleep 1000 & sleep 1000"));
  REQUIRE(child.ok());
  const pid_t group = child->pid;
  ChildPump pump(std::move(*child), {.timeout = 20ms});
  CHECK(pump.next().is_end());
  CHECK(pump.result().ended_by == EndedBy::kTimeout);
  CHECK(pump.result().message() == "timed out: killed by SIGTERM (Terminated)");
  CHECK(!pump.result().was_killed);
  CHECK(group_is_gone(group));
}

TEST_CASE("a timeout ends a child that never stops writing") {
  ChildPump pump(start_and_hear("exec yes"), {.timeout = 20ms});
  std::size_t bytes = 0;
  for (ChildOutput output = pump.next(); !output.is_end(); output = pump.next()) {
    bytes += output.bytes.size();
  }
  CHECK(pump.result().signal == SIGTERM);
  CHECK(bytes > 10);
}

TEST_CASE("a child that does not heed SIGTERM is killed after the grace") {
  ChildPump pump(start_and_hear("trap '' TERM; echo ready; while :; do sleep 1000; done"),
                 {.timeout = 50ms, .kill_after = 50ms});
  while (!pump.next().is_end()) {
  }
  CHECK(pump.result().signal == SIGKILL);
  CHECK(pump.result().was_killed);
}

TEST_CASE("a stopped child is ended, too") {
  const FinishedChild child = run(shell("kill -STOP $$; sleep 1000"), {.timeout = 50ms});
  CHECK(child.result.signal == SIGTERM);
  CHECK(!child.result.was_killed);
}

TEST_CASE("the stop descriptor ends a child at once, and one that ignores it in the end") {
  const int stop = ::eventfd(0, EFD_CLOEXEC);
  REQUIRE(stop >= 0);
  auto child = start_child(shell("trap 'echo bye; exit 3' TERM; echo ready; while :; do :; done"));
  REQUIRE(child.ok());
  ChildPump pump(std::move(*child), {.stop_fd = stop});
  CHECK(pump.next().bytes == "ready\n");
  CHECK(::eventfd_write(stop, 1) == 0);
  CHECK(pump.next().bytes == "bye\n");
  CHECK(pump.next().is_end());
  CHECK(pump.result().exit_code == 3);
  CHECK(pump.result().ended_by == EndedBy::kStop);
  ::close(stop);
}

TEST_CASE("a child that its reader condemns is told to end, and is heard until it has") {
  ChildPump pump(start_and_hear("trap 'echo bye; exit 3' TERM; echo ready; while :; do :; done"),
                 {});
  CHECK(pump.next().bytes == "ready\n");
  pump.condemn();
  CHECK(pump.next().bytes == "bye\n");
  CHECK(pump.next().is_end());
  CHECK(pump.result().exit_code == 3);
  CHECK(pump.result().ended_by == EndedBy::kReader);
  CHECK(pump.result().message() == "ended for what it said: exit 3");
  ChildPump stubborn(start_and_hear("trap '' TERM; echo ready; while :; do echo more; done"),
                     {.kill_after = 1ms});
  CHECK(!stubborn.next().is_end());
  stubborn.condemn();
  stubborn.condemn();
  while (!stubborn.next().is_end()) {
  }
  CHECK(stubborn.result().signal == SIGKILL);
  CHECK(stubborn.result().ended_by == EndedBy::kReader);
}

TEST_CASE("what a child writes to is tended as long as it runs, and no longer") {
  const ScratchDir scratch;
  int times = 0;
  // It ends when it has been tended twice.
  const FinishedChild child =
      run(shell("until test -e " + scratch / "twice" + "; do sleep 0.01; done; echo seen"),
          {.tend = [&] {
            if (++times == 2) scratch.write("twice", "");
          }});
  CHECK(child.out == "seen\n");
  CHECK(times >= 2);
}

TEST_CASE("a grandchild that keeps the pipe is reported after the grace") {
  auto child = start_child(shell("sleep 1000 & echo started"));
  REQUIRE(child.ok());
  const pid_t group = child->pid;
  ChildPump pump(std::move(*child), {.pipe_grace = 30ms});
  CHECK(pump.next().bytes == "started\n");
  CHECK(pump.next().is_end());
  CHECK(pump.result().pipe_left_open);
  CHECK(pump.result().exit_code == 0);
  CHECK(group_is_alive(group));  // a daemon may be meant
  CHECK(::kill(-group, SIGKILL) == 0);
  CHECK(group_is_gone(group));
}

TEST_CASE("what an ended child wrote is not lost to a caller that is slower than the grace") {
  for (const bool has_grandchild : {false, true}) {
    CAPTURE(has_grandchild);
    auto child = start_child(
        shell(std::string(has_grandchild ? "sleep 1000 & " : "") + "echo out; echo err >&2"));
    REQUIRE(child.ok());
    const pid_t group = child->pid;
    siginfo_t ended{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(group), &ended, WEXITED | WNOWAIT) == 0);
    ChildPump pump(std::move(*child), {.pipe_grace = 1ms});
    std::string out;
    std::string err;
    for (ChildOutput output = pump.next(); !output.is_end(); output = pump.next()) {
      (output.stream == ChildStream::kStdout ? out : err) += output.bytes;
      std::this_thread::sleep_for(20ms);  // the time under test
    }
    CHECK(out == "out\n");
    CHECK(err == "err\n");
    CHECK(pump.result().pipe_left_open == has_grandchild);
    if (has_grandchild) CHECK(::kill(-group, SIGKILL) == 0);
    CHECK(group_is_gone(group));
  }
}

TEST_CASE("a child that is held back has its time for itself") {
  ChildResult result;
  // On a loaded machine the child may need longer than the first of these.
  for (const auto timeout : {100ms, 2'000ms, 20'000ms}) {
    ChildPump pump(start_and_hear("echo begun; head -c 500000 /dev/zero; echo end"),
                   {.timeout = timeout});
    static_cast<void>(pump.next());
    std::this_thread::sleep_for(timeout + 1ms);  // the time under test
    while (!pump.next().is_end()) {
    }
    result = pump.result();
    if (result.ended_by == EndedBy::kItself) break;
  }
  CHECK(result.message() == "exit 0");
}

TEST_CASE("a child that nobody wants to hear any more is asked to end, and then killed") {
  for (const bool heeds : {true, false}) {
    CAPTURE(heeds);
    const std::string trap = heeds ? "trap 'echo bye; exit 3' TERM" : "trap '' TERM";
    auto child = start_child(shell(trap + "; while :; do echo x; done"));
    REQUIRE(child.ok());
    const pid_t group = child->pid;
    ChildPump pump(std::move(*child), {.kill_after = heeds ? 60'000ms : 50ms});
    CHECK(pump.next().stream == ChildStream::kStdout);
    pump.end();
    CHECK(pump.next().is_end());
    CHECK(pump.result().ended_by == EndedBy::kStop);
    CHECK(pump.result().message() ==
          (heeds ? "stopped: exit 3" : "stopped: killed by SIGKILL (Killed)"));
    CHECK(pump.result().was_killed == !heeds);
    pump.end();  // has ended
    CHECK(group_is_gone(group));
  }
}

TEST_CASE("a pump that is given up leaves nobody behind") {
  auto child = start_child(shell("trap '' TERM; sleep 1000 & echo ready; wait"));
  REQUIRE(child.ok());
  const pid_t group = child->pid;
  {
    ChildPump pump(std::move(*child), {});
    CHECK(pump.next().bytes == "ready\n");
  }
  CHECK(group_is_gone(group));
  CHECK(!has_children());
}

TEST_CASE("no descriptor left: an error, not a leak") {
  const std::size_t before = open_descriptors();
  rlimit saved = {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved) == 0);
  // The lowest free number is the first that is refused.
  const int lowest = ::dup(0);
  ::close(lowest);
  for (int room = 0; room < 5; ++room) {
    rlimit low = saved;
    low.rlim_cur = static_cast<rlim_t>(lowest + room);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    const auto child = start_child(shell(":"));
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &saved) == 0);
    REQUIRE(!child.ok());
    CHECK(child.error().error_number == EMFILE);
  }
  CHECK(open_descriptors() == before);
  CHECK(!has_children());
}

TEST_CASE("200 children at once, from several threads, leave no descriptor and no zombie") {
  ::signal(SIGPIPE, SIG_IGN);
  const std::size_t before = open_descriptors();
  constexpr int kThreads = 4;
  std::vector<int> sums(kThreads, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &sums] {
      std::vector<std::unique_ptr<ChildPump>> pumps;
      for (int i = 0; i < 200 / kThreads; ++i) {
        Command command = shell("read x; echo $x; exit 5");
        command.stdin_mode = StreamMode::kPipe;
        auto child = start_child(command);
        if (!child.ok()) continue;
        pumps.push_back(
            std::make_unique<ChildPump>(std::move(*child), PumpOptions{.input = "line\n"}));
      }
      for (const auto& pump : pumps) {
        std::string out;
        for (ChildOutput output = pump->next(); !output.is_end(); output = pump->next()) {
          out += output.bytes;
        }
        sums[static_cast<std::size_t>(t)] += out == "line\n" && pump->result().exit_code == 5;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int all = 0;
  for (const int sum : sums) all += sum;
  CHECK(all == 200);
  CHECK(open_descriptors() == before);
  CHECK(!has_children());
}

TEST_CASE("a program that was just written runs, whatever other threads start meanwhile") {
  const ScratchDir scratch;
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&stop] {
      while (!stop) static_cast<void>(run_child(shell(":"), {}, 0));
    });
  }
  Command command;
  command.file = scratch / "program";
  command.argv = {command.file};
  command.stdout_mode = StreamMode::kNull;
  command.stderr_mode = StreamMode::kNull;
  constexpr std::string_view kScript = "#!/bin/sh\nexit 7\n";
  int ran = 0;
  for (int i = 0; i < 300; ++i) {
    const int file = ::open(command.file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    const bool is_written = ::write(file, kScript.data(), kScript.size()) > 0;
    ::close(file);
    const auto ended = run_child(command, {}, 0);  // others may have the file from us, for a moment
    ran += is_written && ended.ok() && ended->result.exit_code == 7 ? 1 : 0;
    ::unlink(command.file.c_str());
  }
  stop = true;
  for (std::thread& other : others) other.join();
  CHECK(ran == 300);
}

TEST_CASE("a program that somebody goes on writing cannot be run, and that is said") {
  const ScratchDir scratch;
  const std::string program = scratch.write("program", "#!/bin/sh\n");
  REQUIRE(::chmod(program.c_str(), 0755) == 0);
  std::ofstream writer(program, std::ios::app);
  Command command;
  command.argv = {program};
  const auto child = start_child(command);
  REQUIRE(!child.ok());
  CHECK(child.error().message() == "cannot run \"" + program + "\": Text file busy");
  CHECK(!has_children());
}

TEST_CASE("the limit of processes is an error, and what was opened for the child is closed") {
  // In a process and under a user of its own: root has no such limit, and others count as well.
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    constexpr uid_t kSomebody = 61'000;  // and nobody else's
    if (::geteuid() == 0 && ::setuid(kSomebody + static_cast<uid_t>(::getpid() % 1000)) != 0) {
      ::_exit(2);
    }
    const rlimit one = {1, 1};
    if (::setrlimit(RLIMIT_NPROC, &one) != 0) ::_exit(2);
    if (const pid_t other = ::fork(); other >= 0) ::_exit(other == 0 ? 0 : 3);
    std::size_t open_before = 0;
    std::string said;
    for (int i = 0; i < 20; ++i) {
      const auto child = start_child(shell("exit 0"));
      if (child) ::_exit(4);
      said = child.error().message();
      if (i == 0) open_before = open_descriptors();  // what all children share is open by now
    }
    if (open_descriptors() != open_before) said = "descriptors were left";
    static_cast<void>(::write(ends[1], said.data(), said.size()) + 0);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said(200, '\0');
  const ssize_t got = ::read(ends[0], said.data(), said.size());
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 2 || WEXITSTATUS(status) == 3)) {
    MESSAGE("skipped: this kernel keeps no limit of processes, or lets nobody be another user");
    return;
  }
  CHECK(status == 0);
  CHECK(said == "cannot start \"/bin/sh\": Resource temporarily unavailable");
}

TEST_SUITE_END();

}  // namespace gorun::test::child_test
