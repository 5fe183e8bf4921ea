// tests/jobs/exec/orphans_test.cc - what commands have left behind is reaped when it has ended, and
// what somebody waits for is not.

#include "jobs/exec/orphans.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include "jobs/child_pump.h"
#include "jobs/exec/child_guard.h"
#include "jobs/exec/output_spool.h"
#include "jobs/file_descriptor.h"
#include "jobs/subprocess.h"
#include "tests/support/scratch_dir.h"

namespace gorun::test::orphans_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

namespace {

// This process inherits orphans, as gorun does while it runs commands.
class Heir {
 public:
  Heir() {
    ::signal(SIGPIPE, SIG_IGN);  // what the pump asks of its process
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~Heir() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
  Heir(const Heir&) = delete;
  Heir& operator=(const Heir&) = delete;

 private:
  ChildGuard guard_;
};

Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

// Waits for the end of a child, and leaves it unreaped.
bool has_ended(pid_t pid) {
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) == 0;
}

bool is_child(pid_t pid) {
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT) == 0;
}

// The number of a process that outlived the command that started it, and has ended; -1: none.
pid_t leave_orphan() {
  std::array<int, 2> gate{};
  if (::pipe2(gate.data(), O_CLOEXEC) != 0) return -1;
  FileDescriptor wait_end(gate[0]);
  FileDescriptor open_end(gate[1]);
  Command command = shell("exec 3<&0; sh -c 'echo $$; exec >&- 2>&-; read line <&3' &");
  command.stdin_mode = StreamMode::kFile;
  command.files[STDIN_FILENO] = wait_end.get();
  const auto ended = run_child(command, {}, 100);
  if (!ended || ended->out.empty()) return -1;
  open_end.close();
  const pid_t orphan = std::stoi(ended->out);
  return has_ended(orphan) ? orphan : -1;
}

// Commands that each leave a process in a group of its own, which has the command's output and
// waits.
class Leavers {
 public:
  Leavers() {
    for (const std::string& path : {scratch_ / "began", scratch_ / "wait"}) {
      REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    }
    // Neither is ever at its end, whoever comes first.
    began_ = FileDescriptor(::open((scratch_ / "began").c_str(), O_RDWR | O_CLOEXEC));
    wait_ = FileDescriptor(::open((scratch_ / "wait").c_str(), O_RDWR | O_CLOEXEC));
  }

  ChildResult run(int output, std::chrono::milliseconds grace) const {
    Command command =
        shell("setsid sh -c 'echo $$ > began; read x < wait' & read x < began; echo $x > pid");
    command.cwd = scratch_.path();
    command.stdout_mode = StreamMode::kNull;
    command.stderr_mode = StreamMode::kFile;
    command.files[STDERR_FILENO] = output;
    auto child = start_child(command);
    REQUIRE(child.ok());
    ChildPump pump(std::move(*child),
                   {.pipe_grace = grace, .awaits_group = true, .heard_files = {-1, output}});
    CHECK(pump.next().is_end());
    return pump.result();
  }
  void let_one_end() const { REQUIRE(::write(wait_.get(), "\n", 1) == 1); }
  [[nodiscard]] pid_t last() const { return std::stoi(read_whole_file(scratch_ / "pid")); }

 private:
  ScratchDir scratch_;
  FileDescriptor began_;
  FileDescriptor wait_;
};

// Lowers the limit of processes to those that this user has, threads of a sanitizer among them.
bool let_start_no_more() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NPROC, &limit) != 0) return false;
  for (limit.rlim_cur = 1; limit.rlim_cur < 100; ++limit.rlim_cur) {
    if (::setrlimit(RLIMIT_NPROC, &limit) != 0) return false;
    const pid_t other = ::fork();
    if (other == 0) ::_exit(0);
    if (other < 0) continue;
    ::waitpid(other, nullptr, 0);
    --limit.rlim_cur;
    return limit.rlim_cur > 0 && ::setrlimit(RLIMIT_NPROC, &limit) == 0;
  }
  return false;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/orphans");

TEST_CASE("an orphan that has ended is reaped, and a command is left to who waits for it") {
  const Heir heir;
  const pid_t orphan = leave_orphan();
  REQUIRE(orphan > 0);
  auto command = start_child(shell("exit 7"));
  REQUIRE(command.ok());
  REQUIRE(has_ended(command->pid));
  reap_orphans();
  CHECK_FALSE(is_child(orphan));
  ChildPump pump(std::move(*command), {});
  CHECK(pump.next().is_end());
  CHECK(pump.result().exit_code == 7);
}

TEST_CASE("without a guard nobody knows who is an orphan, and nothing is reaped") {
  auto command = start_child(shell("exit 7"));
  REQUIRE(command.ok());
  REQUIRE(has_ended(command->pid));
  reap_orphans();
  ChildPump pump(std::move(*command), {});
  CHECK(pump.next().is_end());
  CHECK(pump.result().exit_code == 7);
}

TEST_CASE("an orphan that left its group and keeps the output of its command is told of") {
  const Heir heir;
  const Leavers leavers;
  OutputSpool spool;
  OutputSpool other;
  const std::array<int, 2> output = {-1, *spool.open()};
  const std::array<int, 1> others = {*other.open()};
  const ChildResult left = leavers.run(output[1], std::chrono::milliseconds(1));
  CHECK(left.pipe_left_open);
  CHECK(has_orphan_that_writes_to(output));
  CHECK_FALSE(has_orphan_that_writes_to(others));
  leavers.let_one_end();
  const pid_t orphan = leavers.last();
  REQUIRE(has_ended(orphan));
  CHECK_FALSE(has_orphan_that_writes_to(output));
  CHECK_FALSE(is_child(orphan));
}

TEST_CASE("an orphan that ends within the grace of its command is awaited") {
  const Heir heir;
  const Leavers leavers;
  OutputSpool spool;
  leavers.let_one_end();
  const ChildResult left = leavers.run(*spool.open(), std::chrono::hours(1));
  CHECK_FALSE(left.pipe_left_open);
}

TEST_CASE("an orphan with other files, or without a guard, is nobody's concern") {
  const std::array<int, 2> none = {-1, -1};
  CHECK_FALSE(has_orphan_that_writes_to(none));
  const Heir heir;
  const pid_t orphan = leave_orphan();
  REQUIRE(orphan > 0);
  CHECK_FALSE(has_orphan_that_writes_to(none));
}

TEST_CASE("orphans are reaped while commands are started") {
  const Heir heir;
  const pid_t orphan = leave_orphan();
  REQUIRE(orphan > 0);
  Command command;
  command.argv = {"/bin/true"};
  for (int i = 0; i < 100; ++i) REQUIRE(run_child(command, {}, 0).ok());
  CHECK_FALSE(is_child(orphan));
}

TEST_CASE("an orphan that has ended gives its place to a command that finds none") {
  // In a process and under a user of its own: root has no limit of processes.
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    constexpr uid_t kSomebody = 62'000;  // and nobody else's
    if (::geteuid() == 0 && ::setuid(kSomebody + static_cast<uid_t>(::getpid() % 1000)) != 0) {
      ::_exit(2);
    }
    int status = 4;
    {
      const Heir heir;
      // Two: a sanitizer's thread that comes late takes the place of one.
      if (leave_orphan() < 0 || leave_orphan() < 0) ::_exit(3);
      if (!let_start_no_more()) ::_exit(2);
      if (const auto command = run_child(shell("exit 7"), {}, 0))
        status = command->result.exit_code;
    }
    ::_exit(status);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
    MESSAGE("skipped: this kernel keeps no limit of processes, or lets nobody be another user");
    return;
  }
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_SUITE_END();

}  // namespace gorun::test::orphans_test
