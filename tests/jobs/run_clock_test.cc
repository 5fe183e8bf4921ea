// tests/jobs/run_clock_test.cc - a clock that stands while a run is stopped, and timeouts by it.

#include "jobs/run_clock.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>
#include <utility>

#include "jobs/child_pump.h"
#include "jobs/file_descriptor.h"
#include "jobs/subprocess.h"

namespace gorun::test::run_clock_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using namespace std::chrono_literals;
using std::chrono::steady_clock;

TEST_SUITE_BEGIN("jobs/run_clock");

TEST_CASE("the clock stands while the run does, and goes on from there") {
  for (int i = 0; i < 3; ++i) {
    std::optional<RunStands> stands(std::in_place);
    const RunClock::time_point stood = RunClock::now();
    std::this_thread::sleep_for(5ms);  // the time under test
    CHECK(RunClock::now() == stood);
    const steady_clock::time_point before = steady_clock::now();
    stands.reset();
    const RunClock::time_point went_on = RunClock::now();
    CHECK(went_on - stood >= 0ns);
    CHECK(went_on - stood <= steady_clock::now() - before);
  }
}

TEST_CASE("a child has all of its time when the run goes on, and no more") {
  ::signal(SIGPIPE, SIG_IGN);  // what the pump asks of its process
  std::array<int, 2> gate{};
  REQUIRE(::pipe2(gate.data(), O_CLOEXEC) == 0);
  const FileDescriptor wait_end(gate[0]);
  FileDescriptor open_end(gate[1]);
  Command command;
  command.argv = {"cat"};
  command.stdin_mode = StreamMode::kFile;
  command.files[STDIN_FILENO] = wait_end.get();
  const auto start = [&command] {
    auto child = start_child(command);
    REQUIRE(child.ok());
    return std::move(*child);
  };
  std::optional<RunStands> stands(std::in_place);
  SUBCASE("it stands") {
    ChildPump pump(start(), {.timeout = 1ms, .heartbeat = 1ms});
    std::thread opener([&open_end] {
      std::this_thread::sleep_for(50ms);  // the time under test
      open_end.close();
    });
    CHECK(pump.next().is_end());
    opener.join();
    CHECK(pump.result().ended_by == EndedBy::kItself);
    CHECK(pump.result().exit_code == 0);
  }
  SUBCASE("it goes on") {
    ChildPump pump(start(), {.timeout = 1ms});
    stands.reset();
    CHECK(pump.next().is_end());
    CHECK(pump.result().ended_by == EndedBy::kTimeout);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::run_clock_test
