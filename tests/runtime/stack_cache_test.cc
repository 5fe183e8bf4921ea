// tests/runtime/stack_cache_test.cc - a P has a stack ready for the next goroutine that never ran.

#include <doctest/doctest.h>

#include <atomic>

#include "runtime/chan.h"
#include "runtime/runtime.h"
#include "runtime/sched/p_caches.h"
#include "runtime/sched/park.h"
#include "runtime/sync.h"
#include "tests/support/each_procs.h"
#include "tests/support/parked.h"

namespace gorun::test::stack_cache_test {

namespace {

using namespace gorun::runtime;

// Whether the caller's P has a stack for whom it has to start next, or nobody to start.
bool is_next_stack_ready(StackClass size_class) {
  const RtSection rt;
  const P* pp = current_m()->p;
  return pp->stacks[arch::class_index(size_class)].free != nullptr || pp->spawned.empty();
}

}  // namespace

TEST_SUITE_BEGIN("runtime/stack_cache");

// Who parks may hold a lock until the switch is done: no time to ask the kernel for stacks.
TEST_CASE("whoever parks finds a stack for the next goroutine that never ran") {
  constexpr int kGoroutines = 500;
  for (const StackClass size_class : {StackClass::kSmall, StackClass::kMedium}) {
    Runtime rt({.procs = 1, .stack = size_class});
    int ready = 0;
    run_to_end(rt, [&] {
      Chan<Unit> gate(0);
      WaitGroup all;
      for (int i = 0; i < kGoroutines; ++i) {
        all.go([&] {
          ready += is_next_stack_ready(size_class);
          (void)gate.recv();
        });
      }
      wait_until_parked(rt, WaitReason::kChanRecv, kGoroutines);
      gate.close();
      all.wait();
    });
    CHECK(ready == kGoroutines);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::stack_cache_test
