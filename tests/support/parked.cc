// tests/support/parked.cc - yield loops with a deadline.

#include "tests/support/parked.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/timer.h"

namespace gorun::test {

namespace {

constexpr std::chrono::seconds kDeadline{60};  // the slowest sanitized case needs a few seconds

}  // namespace

void yield_until(std::string_view what, const std::function<bool()>& is_true) {
  const runtime::Nanos start = runtime::now();
  while (!is_true()) {
    runtime::yield();
    if (runtime::now() - start > kDeadline) {
      std::fprintf(stderr, "never came true: %.*s\n", static_cast<int>(what.size()), what.data());
      std::abort();
    }
  }
}

void wait_until_parked(const runtime::Runtime& rt, runtime::WaitReason reason, std::size_t n) {
  const std::string what =
      std::to_string(n) + " goroutines parked for " + runtime::to_string(reason);
  yield_until(what, [&] { return rt.parked(reason) >= n; });
}

void wait_until_parked(const runtime::Runtime& rt, std::size_t n) {
  yield_until(std::to_string(n) + " goroutines parked", [&] { return rt.parked() >= n; });
}

}  // namespace gorun::test
