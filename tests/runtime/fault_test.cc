// tests/runtime/fault_test.cc - SIGSEGV on a goroutine: overflowed stacks and wild pointers.
//
// Each case runs in a child, which dies of it. The sanitizers report faults themselves: there the
// cases check that the runtime leaves the signal to them.

#include <doctest/doctest.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <alloca.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/fault.h"
#include "runtime/runtime.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/lines.h"

namespace gorun::test::fault_test {

using namespace gorun::runtime;

// With external linkage and never inlined, so that a backtrace can name it.
[[gnu::noinline]] int recurses(volatile int* deeper) {
  volatile char room[64];
  room[0] = static_cast<char>(*deeper);
  const int below = *deeper != 0 ? recurses(deeper) : 0;
  return below + room[0];
}

namespace {

void overflow_by_recursion() {
  volatile int deeper = 1;
  fault_test::recurses(&deeper);
}

// Far larger than a guard page: the frame must not step over it.
void overflow_by_one_frame() {
  volatile std::size_t size = 300 * 1024;
  volatile char* room = static_cast<char*>(alloca(size));
  room[0] = 1;
}

ChildEnd run_on_goroutine(int procs, void (*body)()) {
  return run_in_child([=] {
    Runtime rt({.procs = procs});
    rt.run([=] {
      go([=] {
        set_label("deep");
        body();
      });
    });
  });
}

void check_overflow_report(const ChildEnd& end) {
  CAPTURE(end.errors);
  CHECK(end.signal == SIGABRT);
  const std::vector<std::string> lines = lines_of(end.errors);
  REQUIRE(lines.size() > 3);
  CHECK(
      matches("fatal: stack overflow: goroutine * \"deep\" exceeded its 256 KiB stack "
              "[0x*000, 0x*000)",
              lines[0]));
  CHECK(matches("goroutine * was spawned at tests/runtime/fault_test.cc:*", lines[1]));
  CHECK(matches("  #0  *(*+0x*)", lines[2]));
}

// Makes MADV_GUARD_INSTALL fail with EINVAL, as on Linux before 6.13.
void forbid_guard_install() {
  constexpr unsigned kMadvGuardInstall = 102;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_madvise, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[3])),
      BPF_JUMP(BPF_JMP | BPF_JA, 2, 0, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kMadvGuardInstall, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {sizeof program / sizeof program[0], program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    std::perror("seccomp");
    std::_Exit(77);
  }
}

void on_own_handler(int) {
  constexpr char kText[] = "my own handler\n";
  [[maybe_unused]] const ssize_t n = write(STDERR_FILENO, kText, sizeof kText - 1);
  std::_Exit(3);
}

void touch_nothing() {
  volatile std::size_t address = 0x10;
  *reinterpret_cast<volatile int*>(address) = 1;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/fault");

TEST_CASE("a goroutine that recurses without end is reported as a stack overflow") {
  if (!kFaultReports) {
    MESSAGE("the sanitizer reports stack overflows itself");
    CHECK(run_on_goroutine(2, overflow_by_recursion).errors.find("fatal:") == std::string::npos);
    return;
  }
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    const ChildEnd end = run_on_goroutine(procs, overflow_by_recursion);
    check_overflow_report(end);
    CHECK(matches("*\n  #*fault_test*recurses*\n*", end.errors));
    CHECK(end.errors.ends_with("  ...\n"));
  }
}

TEST_CASE("one frame larger than all of the stack is a stack overflow as well") {
  if (!kFaultReports) {
    MESSAGE("the sanitizer reports stack overflows itself");
    CHECK(run_on_goroutine(2, overflow_by_one_frame).errors.find("fatal:") == std::string::npos);
    return;
  }
  check_overflow_report(run_on_goroutine(2, overflow_by_one_frame));
}

TEST_CASE("guards made by mprotect report an overflow like those made by madvise") {
  if (!kFaultReports) {
    MESSAGE("the sanitizer reports stack overflows itself");
    CHECK(run_on_goroutine(2, overflow_by_recursion).errors.find("fatal:") == std::string::npos);
    return;
  }
  const ChildEnd end = run_in_child([] {
    forbid_guard_install();
    Runtime rt({.procs = 2});
    rt.run([] {
      go([] {
        set_label("deep");
        overflow_by_recursion();
      });
    });
  });
  if (end.exit_code == 77) {
    MESSAGE("no seccomp filters here: " << end.errors);
    return;
  }
  check_overflow_report(end);
}

TEST_CASE("a wild pointer is reported with its goroutine, and the process dies of SIGSEGV") {
  const ChildEnd end = run_on_goroutine(2, touch_nothing);
  CAPTURE(end.errors);
  if (!kFaultReports) {
    CHECK(end.errors.find("fatal:") == std::string::npos);
    return;
  }
  CHECK(end.signal == SIGSEGV);
  const std::vector<std::string> lines = lines_of(end.errors);
  REQUIRE(lines.size() > 3);
  CHECK(matches("fatal: segmentation fault at address 0x10: goroutine * \"deep\", M*", lines[0]));
  CHECK(matches("goroutine * was spawned at tests/runtime/fault_test.cc:*", lines[1]));
  CHECK(matches("  #* gorun_context_entry + 0x*", lines.back()));
}

TEST_CASE("a handler that was there before gets every fault that is no overflow") {
  const ChildEnd end = run_in_child([] {
    std::signal(SIGSEGV, on_own_handler);
    Runtime rt({.procs = 2});
    rt.run([] { go(touch_nothing); });
  });
  CAPTURE(end.errors);
  CHECK(end.exit_code == 3);
  CHECK(end.errors == "my own handler\n");
}

TEST_CASE("the handler that was there before is there again after the run") {
  const ChildEnd end = run_in_child([] {
    std::signal(SIGSEGV, on_own_handler);
    {
      Runtime rt({.procs = 2});
      rt.run([] {});
    }
    raise(SIGSEGV);
  });
  CAPTURE(end.errors);
  CHECK(end.exit_code == 3);
  CHECK(end.errors == "my own handler\n");
}

TEST_SUITE_END();

}  // namespace gorun::test::fault_test
