// tests/jobs/exec/start_gate_test.cc - starts are held, and wait; those under way are waited for;
// and what a terminal sends to this process reaches no child on its way.

#include "jobs/exec/start_gate.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "jobs/child_pump.h"
#include "jobs/subprocess.h"

namespace gorun::test::start_gate_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

namespace {

bool is_asleep(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text[name_end + 2] == 'S';
}

Command true_command() {
  Command command;
  command.argv = {"/bin/true"};
  return command;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/start_gate");

TEST_CASE("a command does not start while starts are held") {
  std::optional<StartsHeld> held(std::in_place);
  std::atomic<pid_t> thread{0};
  std::atomic<bool> has_run{false};
  std::thread other([&] {
    thread = gettid();
    const auto ended = run_child(true_command(), {}, 0);
    has_run = ended.ok();
  });
  while (!has_run && (thread == 0 || !is_asleep(thread))) std::this_thread::yield();
  CHECK_FALSE(has_run);
  held.reset();
  other.join();
  CHECK(has_run);
}

TEST_CASE("starts under way are waited for") {
  std::optional<StartUnderWay> first(std::in_place);
  std::optional<StartUnderWay> second(std::in_place);
  std::atomic<int> under_way{2};
  std::atomic<pid_t> thread{0};
  int seen = -1;
  std::thread other([&] {
    thread = gettid();
    const StartsHeld held;
    seen = under_way;
  });
  while (thread == 0 || !is_asleep(thread)) std::this_thread::yield();
  --under_way;
  first.reset();
  --under_way;
  second.reset();
  other.join();
  CHECK(seen == 0);
}

TEST_CASE("a signal to the group of this process does not end a child on its way") {
  // In a group of its own: nobody else is to get the signals.
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    setpgid(0, 0);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    std::atomic<bool> stop{false};
    std::thread terminal([&stop] {
      while (!stop) kill(0, SIGINT);
    });
    int failed = 0;
    for (int i = 0; i < 300; ++i) {
      const auto ended = run_child(true_command(), {}, 0);
      failed += !ended.ok() || ended->result.signal != 0 ? 1 : 0;
    }
    stop = true;
    terminal.join();
    _exit(failed == 0 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

TEST_SUITE_END();

}  // namespace gorun::test::start_gate_test
