// tests/jobs/exec/command_gate_test.cc - when a command may start: load, memory, tokens.

#include "jobs/exec/command_gate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"

namespace gorun::test::command_gate_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test
using gorun::runtime::Cancel;
using gorun::runtime::Runtime;
using gorun::runtime::WaitGroup;
using gorun::runtime::WaitReason;
using gorun::test::at_each_procs;
using gorun::test::run_to_end;
using gorun::test::wait_until_parked;
using gorun::test::yield_until;
using WithToken = CommandGate::WithToken;

namespace {

// A machine that is as busy as the test says.
struct Machine {
  std::atomic<int> running{0};
  std::atomic<std::int64_t> available{0};
  [[nodiscard]] MachineState state() {
    return {.running = [this] { return std::optional<double>(running.load()); },
            .available_memory = [this] { return std::optional<std::int64_t>(available.load()); }};
  }
};

CommandGate::Limits no_more_than(double load) {
  CommandGate::Limits limits;
  limits.max_load = load;
  return limits;
}
CommandGate::Limits memory_of(std::int64_t bytes) {
  CommandGate::Limits limits;
  limits.memfree = bytes;
  return limits;
}

}  // namespace

TEST_SUITE_BEGIN("jobs/exec/command_gate");

TEST_CASE("the first command starts whatever the load is, the next one when it has fallen") {
  at_each_procs([](Runtime& rt) {
    Machine machine;
    machine.running = 9;
    CommandGate gate(no_more_than(2), nullptr, machine.state());
    std::atomic<int> passed = 0;
    int before = -1;
    run_to_end(rt, [&] {
      gate.open();
      const Cancel never;
      const auto first = gate.pass(WithToken::kNo, never);
      if (!first) return;
      WaitGroup second;
      second.go([&] { passed += gate.pass(WithToken::kNo, never).has_value(); });
      wait_until_parked(rt, WaitReason::kSelect, 1);
      before = passed;
      machine.running = 0;
      second.wait();
    });
    CHECK(before == 0);
    CHECK(passed == 1);
  });
}

TEST_CASE("the end of the last command opens the gate although the load stays") {
  at_each_procs([](Runtime& rt) {
    Machine machine;  // no memory is available, ever
    CommandGate gate(memory_of(1), nullptr, machine.state());
    int passed = 0;
    run_to_end(rt, [&] {
      gate.open();
      const Cancel never;
      auto permit = gate.pass(WithToken::kNo, never);
      if (!permit) return;
      WaitGroup second;
      second.go([&] { passed += gate.pass(WithToken::kNo, never).has_value(); });
      wait_until_parked(rt, WaitReason::kSelect, 1);
      gate.leave(*permit);
      second.wait();
    });
    CHECK(passed == 1);
  });
}

// In virtual time, which stands still while a command runs: one that loses its core for a while
// before it shows was else started longer than a moment ago.
TEST_CASE("commands that were started a moment ago count, although they do not show yet") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Runtime rt({.deterministic = seed});
    Machine machine;
    CommandGate gate(no_more_than(3), nullptr, machine.state());
    int now = 0;
    int most = 0;
    int all = 0;
    run_to_end(rt, [&] {
      gate.open();
      const Cancel never;
      WaitGroup commands;
      for (int i = 0; i < 12; ++i) {
        commands.go([&] {
          const auto permit = gate.pass(WithToken::kNo, never);
          if (!permit) return;
          most = std::max(most, ++now);
          for (int turn = 0; turn < 10; ++turn) gorun::runtime::yield();
          ++machine.running;
          for (int turn = 0; turn < 10; ++turn) gorun::runtime::yield();
          --machine.running;
          --now;
          ++all;
          gate.leave(*permit);
        });
      }
      commands.wait();
    });
    CHECK(all == 12);
    CHECK(most <= 3);
  }
}

TEST_CASE("a cancellation ends the wait for the load, and of those that stand behind") {
  at_each_procs([](Runtime& rt) {
    Machine machine;
    machine.running = 9;
    CommandGate gate(no_more_than(1), nullptr, machine.state());
    std::atomic<int> refused = 0;
    run_to_end(rt, [&] {
      gate.open();
      const Cancel cancel;
      if (!gate.pass(WithToken::kNo, cancel)) return;
      WaitGroup waiting;
      for (int i = 0; i < 5; ++i) {
        waiting.go([&] { refused += !gate.pass(WithToken::kNo, cancel).has_value(); });
      }
      wait_until_parked(rt, WaitReason::kSelect, 1);
      cancel.cancel();
      waiting.wait();
    });
    CHECK(refused == 5);
  });
}

TEST_CASE("who waits for a token has it when one comes back, or is cancelled") {
  at_each_procs([](Runtime& rt) {
    auto jobserver = Jobserver::make(2, false, nullptr);
    REQUIRE(jobserver.ok());
    CommandGate gate({}, jobserver->get(), machine_state());
    std::atomic<int> passed = 0;
    std::atomic<int> refused = 0;
    bool is_free_without = false;
    run_to_end(rt, [&] {
      gate.open();
      const Cancel cancel;
      auto own = gate.pass(WithToken::kYes, cancel);
      auto other = gate.pass(WithToken::kYes, cancel);
      if (!own || !other) return;
      for (auto* permit : {&own, &other}) {  // our own slot wakes as a byte does
        WaitGroup waiting;
        std::optional<CommandGate::Permit> next;
        waiting.go([&] { next = gate.pass(WithToken::kYes, cancel); });
        wait_until_parked(rt, WaitReason::kIoRead, 1);
        gate.leave(**permit);
        waiting.wait();
        passed += next.has_value();
        *permit = next;
      }
      WaitGroup waiting;
      for (int i = 0; i < 3; ++i) {
        waiting.go([&] { refused += !gate.pass(WithToken::kYes, cancel).has_value(); });
      }
      wait_until_parked(rt, WaitReason::kIoRead, 1);
      cancel.cancel();
      waiting.wait();
      const Cancel never;
      is_free_without = gate.pass(WithToken::kNo, never).has_value();
      gate.leave(*own);
      gate.leave(*other);
    });
    CHECK(passed == 2);
    CHECK(refused == 3);
    CHECK(is_free_without);
  });
}

TEST_CASE("no more commands than tokens run at a time, in any number of goroutines") {
  at_each_procs([](Runtime& rt) {
    auto jobserver = Jobserver::make(4, false, nullptr);
    REQUIRE(jobserver.ok());
    CommandGate gate({}, jobserver->get(), machine_state());
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    std::atomic<int> all = 0;
    run_to_end(rt, [&] {
      gate.open();
      const Cancel never;
      WaitGroup commands;
      for (int i = 0; i < 200; ++i) {
        commands.go([&] {
          const auto permit = gate.pass(WithToken::kYes, never);
          if (!permit) return;
          const int at_once = ++now;
          int seen = most;
          while (seen < at_once && !most.compare_exchange_weak(seen, at_once)) {
          }
          gorun::runtime::yield();
          --now;
          ++all;
          gate.leave(*permit);
        });
      }
      commands.wait();
    });
    CHECK(all == 200);
    CHECK(most <= 4);
  });
}

TEST_CASE("the machine tells its load and its memory") {
  const MachineState machine = machine_state();
  CHECK(machine.running().value_or(-1) >= 0);
  CHECK(machine.available_memory().value_or(0) > 0);
}

TEST_SUITE_END();

}  // namespace gorun::test::command_gate_test
