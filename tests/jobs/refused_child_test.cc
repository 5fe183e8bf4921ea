// tests/jobs/refused_child_test.cc - children that may not be killed, for they are another user's.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <utility>

#include "jobs/child_pump.h"
#include "jobs/file_descriptor.h"
#include "jobs/subprocess.h"
#include "tests/support/child.h"

namespace gorun::test::refused_child_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using namespace std::chrono_literals;

namespace {

constexpr uid_t kSomebody = 65534;
constexpr int kSkipped = 77;

// Ends this process, which only plays one, where the test cannot be.
void require(bool is_so, int status) {
  if (!is_so) ::_exit(status);
}

// A child of root's that waits for close_input(), and whose parent is root no more.
class RefusedChild {
 public:
  explicit RefusedChild(PumpOptions options) : stop_(::eventfd(0, EFD_CLOEXEC)) {
    ::signal(SIGPIPE, SIG_IGN);  // what the pump asks of its process
    std::array<int, 2> ends{};
    require(::pipe2(ends.data(), O_CLOEXEC) == 0, kSkipped);
    const FileDescriptor read_end(ends[0]);
    input_ = FileDescriptor(ends[1]);
    Command command;
    command.argv = {"/bin/cat"};
    command.stdin_mode = StreamMode::kFile;
    command.files[STDIN_FILENO] = read_end.get();
    command.stderr_mode = StreamMode::kNull;
    auto child = start_child(command);
    require(child.ok(), kSkipped);
    require(::setuid(kSomebody) == 0, kSkipped);
    options.stop_fd = stop_.get();
    pump_.emplace(std::move(*child), options);
  }
  [[nodiscard]] ChildPump& pump() { return *pump_; }
  void stop() const { require(::eventfd_write(stop_.get(), 1) == 0, kSkipped); }
  void close_input() { input_.close(); }
  void forget() { pump_.reset(); }

 private:
  FileDescriptor stop_;
  FileDescriptor input_;
  std::optional<ChildPump> pump_;
};

// What becomes of a child of root's, in a process of its own.
void check_in_child(const std::function<void()>& body) {
  if (::geteuid() != 0) return;  // becomes another user, which only root may
  const ChildEnd end = run_in_child(body);
  if (end.exit_code == kSkipped) {
    MESSAGE("skipped: nobody may be another user here");
    return;
  }
  CHECK(end.signal == 0);
  CHECK(end.exit_code == 0);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/refused_child");

TEST_CASE("a child that has timed out and may not be killed is told of, and awaited until a stop") {
  check_in_child([] {
    RefusedChild child({.timeout = 1ms, .kill_after = 1ms});
    require(child.pump().next().is_out_of_reach, 1);
    child.stop();
    require(child.pump().next().is_end(), 2);
    require(child.pump().result().ended_by == EndedBy::kTimeout, 3);
    require(child.pump().result().exit_code == kUnknownExit, 4);
    require(child.pump().result().pipe_left_open, 5);
    require(!child.pump().result().was_killed, 6);
  });
}

TEST_CASE("a child that may not be killed and ends by itself is told of once") {
  check_in_child([] {
    RefusedChild child({.timeout = 1ms, .kill_after = 1ms});
    require(child.pump().next().is_out_of_reach, 1);
    child.close_input();
    require(child.pump().next().is_end(), 2);
    require(child.pump().result().ended_by == EndedBy::kTimeout, 3);
    require(child.pump().result().exit_code == 0, 4);
    require(!child.pump().result().pipe_left_open, 5);
  });
}

TEST_CASE("whoever is stopped does not wait for a child that may not be killed") {
  check_in_child([] {
    RefusedChild child({.kill_after = 1ms});
    child.stop();
    require(child.pump().next().is_end(), 1);
    require(child.pump().result().ended_by == EndedBy::kStop, 2);
    require(child.pump().result().exit_code == kUnknownExit, 3);
  });
  check_in_child([] {
    RefusedChild child({.kill_after = 1ms});
    child.pump().end();
    require(child.pump().next().is_end(), 1);
  });
  check_in_child([] {
    RefusedChild child({});
    child.forget();
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::refused_child_test
