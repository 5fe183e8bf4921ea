// tests/runtime/stack_class_test.cc - stacks of several sizes: their room, their guards, their
// pools.

#include "runtime/stack_class.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "runtime/arch/stack.h"
#include "runtime/fault.h"
#include "runtime/group.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"
#include "tests/support/child.h"
#include "tests/support/each_procs.h"
#include "tests/support/lines.h"
#include "tests/support/parked.h"

namespace gorun::test::stack_class_test {

namespace {

using namespace gorun::runtime;

struct Size {
  StackClass stack;
  const char* text;
  std::size_t kibibytes;
};

constexpr Size kSizes[] = {
    {StackClass::kSmall, "64", 64},
    {StackClass::kMedium, "256", 256},
    {StackClass::kLarge, "1024", 1024},
    {StackClass::kHuge, "8192", 8192},
};

// Descends by frames of some 1 KiB until `bytes` lie between it and its first caller's frame.
[[gnu::noinline]] std::size_t descend(std::uintptr_t from, std::size_t bytes) {
  volatile char room[1024];
  room[0] = 1;
  const auto used = from - reinterpret_cast<std::uintptr_t>(room);
  const std::size_t below = used >= bytes ? used : descend(from, bytes);
  return below + static_cast<std::size_t>(room[0]) - 1;
}

// Uses all of a stack of the given size but a few pages.
std::size_t use(std::size_t kibibytes) {
  const char here = 0;
  return descend(reinterpret_cast<std::uintptr_t>(&here), (kibibytes - 24) * 1024);
}

ChildEnd overflow(const Options& options, StackClass stack) {
  return run_in_child([&] {
    Runtime rt(options);
    rt.run([stack] {
      go(stack, [] {
        set_label("deep");
        (void)use(1024 * 1024);
      });
    });
  });
}

double resident_mib() {
  std::FILE* statm = std::fopen("/proc/self/statm", "re");
  long size = 0;
  long resident = 0;
  if (statm == nullptr || std::fscanf(statm, "%ld %ld", &size, &resident) != 2) resident = -1;
  if (statm != nullptr) std::fclose(statm);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/stack_class");

TEST_CASE("a goroutine has the room of the class that it was spawned with") {
  at_each_procs([](Runtime& rt) {
    std::atomic<int> done{0};
    run_to_end(rt, [&] {
      for (const Size& size : kSizes) {
        const auto body = [&done, &size] {
          if (use(size.kibibytes) >= (size.kibibytes - 24) * 1024) ++done;
          yield();
        };
        go(size.stack, body);
        WaitGroup group;
        group.go(size.stack, body);
        group.wait();
        Group errors;
        errors.go(size.stack, body);
        (void)errors.wait();
      }
    });
    CHECK(done == 12);
  });
}

TEST_CASE("the option is the class of all goroutines that do not ask for another, main included") {
  for (const int procs : kProcsUnderTest) {
    for (const Size& size : kSizes) {
      CAPTURE(procs);
      CAPTURE(size.text);
      Runtime rt({.procs = procs, .stack = size.stack});
      std::atomic<int> done{0};
      run_to_end(rt, [&] {
        done += use(size.kibibytes) > 0 ? 1 : 0;
        go([&] { done += use(size.kibibytes) > 0 ? 1 : 0; });
        go(StackClass::kDefault, [&] { done += use(size.kibibytes) > 0 ? 1 : 0; });
        go(StackClass::kHuge, [&] { done += use(8192) > 0 ? 1 : 0; });
      });
      CHECK(done == 4);
    }
  }
}

TEST_CASE("a goroutine that ends leaves its stack to others of its class only") {
  // A burst runs on one stack without a switch; here the classes alternate.
  at_each_procs([](Runtime& rt) {
    std::atomic<int> done{0};
    run_to_end(rt, [&] {
      WaitGroup all;
      for (int i = 0; i < 400; ++i) {
        const Size& size = kSizes[i % 4];
        all.go(size.stack, [&, i] {
          if (i % 3 == 0) yield();
          done += use(i % 8 < 4 ? 40 : size.kibibytes) > 0 ? 1 : 0;
        });
      }
      all.wait();
    });
    CHECK(done == 400);
  });
}

TEST_CASE("each class has its guard, and its report of an overflow") {
  for (const Size& size : kSizes) {
    CAPTURE(size.text);
    for (const bool by_option : {false, true}) {
      CAPTURE(by_option);
      const Options options =
          by_option ? Options{.procs = 2, .stack = size.stack} : Options{.procs = 2};
      const ChildEnd end = overflow(options, by_option ? StackClass::kDefault : size.stack);
      CAPTURE(end.errors);
      if (!kFaultReports) {  // the sanitizer reports stack overflows itself
        CHECK(end.errors.find("fatal:") == std::string::npos);
        continue;
      }
      CHECK(end.signal == SIGABRT);
      const std::vector<std::string> lines = lines_of(end.errors);
      REQUIRE(lines.size() > 3);
      CHECK(matches(std::string("fatal: stack overflow: goroutine * \"deep\" exceeded its ") +
                        size.text + " KiB stack [0x*000, 0x*000)",
                    lines[0]));
      CHECK(matches("goroutine * was spawned at tests/runtime/stack_class_test.cc:*", lines[1]));
    }
  }
}

TEST_CASE(
    "huge stacks that were used to the bottom do not stay resident when they are not needed") {
  if (arch::kAddressSanitizer || arch::kThreadSanitizer) {
    MESSAGE("skipped: shadow memory counts as resident");
    return;
  }
  at_each_procs([](Runtime& rt) {
    constexpr int kGoroutines = 50;  // 400 MiB while they all run
    double before = 0;
    double peak = 0;
    double after = 0;
    run_to_end(rt, [&] {
      before = resident_mib();
      Chan<Unit> end(0);
      WaitGroup all;
      for (int i = 0; i < kGoroutines; ++i) {
        all.go(StackClass::kHuge, [&] {
          (void)use(8192);
          (void)end.recv();
        });
      }
      wait_until_parked(rt, WaitReason::kChanRecv, kGoroutines);
      peak = resident_mib();
      end.close();
      all.wait();
      for (int i = 0; i < 100; ++i) yield();
      after = resident_mib();
    });
    CAPTURE(before);
    CHECK(peak - before > kGoroutines * 7);
    // What the Ps keep for themselves, two each at most.
    CHECK(after - before < kGoroutines * 7 / 2);
  });
}

TEST_SUITE_END();

}  // namespace gorun::test::stack_class_test
