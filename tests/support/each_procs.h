// tests/support/each_procs.h - runs one behaviour over several numbers of Ps.
//
// 1 P finds what relies on another thread making progress, 2 Ps race on real cores, and 8 Ps make
// the kernel take the core away in the middle of anything. Assertions belong to the main thread,
// after the run: doctest's are not made for goroutines, and a failed one inside a goroutine would
// throw through its stack.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <utility>

#include "runtime/runtime.h"

// A failed CHECK shows the value of an atomic.
template <class T>
struct doctest::StringMaker<std::atomic<T>> {
  static doctest::String convert(const std::atomic<T>& value) {
    return doctest::toString(value.load());
  }
};

namespace gorun::test {

inline constexpr int kProcsUnderTest[] = {1, 2, 8};

/// Calls `body(rt)` with a fresh Runtime of 1, 2 and 8 Ps; a failure shows the number of Ps.
template <class Body>
void at_each_procs(Body body) {
  for (const int procs : kProcsUnderTest) {
    CAPTURE(procs);
    runtime::Runtime rt({.procs = procs});
    body(rt);
  }
}

/// Runs `main` and checks that every goroutine came to its end.
inline void run_to_end(runtime::Runtime& rt, std::function<void()> main) {
  const runtime::RunResult result = rt.run(std::move(main));
  INFO(describe(result));
  CHECK((result.outcome == runtime::RunResult::Outcome::kFinished));
  CHECK(result.stuck.empty());
}

}  // namespace gorun::test
