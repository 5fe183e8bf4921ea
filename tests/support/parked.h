// tests/support/parked.h - waits until goroutines have parked, without sleeping.
//
// A test that wants "a receiver is waiting" asks the runtime. A condition that never comes true is
// a failed test: after a deadline that no machine needs the process reports the counts and aborts,
// which names the culprit better than a test that hangs.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "runtime/runtime.h"

namespace gorun::test {

/// Yields until `is_true()`; aborts with `what` after a minute. Call it from a goroutine.
void yield_until(std::string_view what, const std::function<bool()>& is_true);

/// Yields until at least `n` goroutines are parked for `reason`.
void wait_until_parked(const runtime::Runtime& rt, runtime::WaitReason reason, std::size_t n);

/// Yields until at least `n` goroutines are parked for whatever reason.
void wait_until_parked(const runtime::Runtime& rt, std::size_t n);

}  // namespace gorun::test
