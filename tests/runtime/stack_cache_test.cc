// tests/runtime/stack_cache_test.cc - a P has a stack ready for the next goroutine that never ran.

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <set>

#include "runtime/arch/stack.h"
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

// What so many goroutines have that are alive at once, in a run of their own.
struct Blocks {
  std::set<const void*> gs;
  std::set<const void*> stacks;
};
Blocks blocks_of_a_run(int goroutines) {
  Blocks blocks;
  std::mutex lock;  // one that lost its P goes on in parallel
  Runtime rt({.procs = 1});
  run_to_end(rt, [&] {
    Chan<Unit> gate(0);
    WaitGroup all;
    for (int i = 0; i < goroutines; ++i) {
      all.go([&] {
        {
          const std::lock_guard guard(lock);
          blocks.gs.insert(current_m()->g);
          blocks.stacks.insert(current_m()->g->stack);
        }
        (void)gate.recv();
      });
    }
    wait_until_parked(rt, WaitReason::kChanRecv, static_cast<std::size_t>(goroutines));
    gate.close();
    all.wait();
  });
  return blocks;
}

std::size_t count_missing(const std::set<const void*>& from, const std::set<const void*>& wanted) {
  std::size_t missing = 0;
  for (const void* block : wanted) missing += from.count(block) == 0;
  return missing;
}

}  // namespace

TEST_SUITE_BEGIN("runtime/stack_cache");

// Who parks may hold a lock until the switch is done: no time to ask the kernel for stacks.
TEST_CASE("whoever parks finds a stack for the next goroutine that never ran") {
  constexpr int kGoroutines = 500;
  for (const StackClass size_class : {StackClass::kSmall, StackClass::kMedium}) {
    Runtime rt({.procs = 1, .stack = size_class});
    std::atomic<int> ready = 0;
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

TEST_CASE("what the Ps of one run had cached serves the next") {
  // More than a P caches of stacks; and of either as many as it takes at once may be others.
  constexpr int kGoroutines = 200;
  const Blocks first = blocks_of_a_run(kGoroutines);
  const Blocks second = blocks_of_a_run(kGoroutines);
  CHECK(count_missing(first.stacks, second.stacks) <= kCachedStacks[0] / 8);
  CHECK(count_missing(first.gs, second.gs) <= kGBatch);
}

TEST_CASE("stacks that were taken and not used are taken first") {
  constexpr StackClass kClass = StackClass::kHuge;
  arch::StackPool& pool = arch::StackPool::instance();
  const arch::UnusedStacks both = pool.take_unused(kClass, 2);
  pool.give_unused(kClass, both);
  const arch::UnusedStacks one = pool.take_unused(kClass, 1);
  CHECK(one.low == both.low);
  CHECK(one.count == 1);
  const arch::UnusedStacks rest = pool.take_unused(kClass, 2);
  REQUIRE(both.count == 2);
  CHECK(rest.low == both.low + arch::stack_stride(kClass));
  CHECK(rest.count == 1);
  pool.give_unused(kClass, rest);
  pool.give_unused(kClass, one);
  pool.give_unused(kClass, {});
}

TEST_SUITE_END();

}  // namespace gorun::test::stack_cache_test
