// runtime/timer.h - time for goroutines: sleep parks the G, not a thread.
#pragma once

#include <chrono>

namespace gorun::runtime {

using Nanos = std::chrono::nanoseconds;

/// Monotonic time since an arbitrary epoch. threads: any.
[[nodiscard]] Nanos now();

/// Parks the calling G for at least `duration` (monotonic clock); zero or less only yields.
void sleep(Nanos duration);

}  // namespace gorun::runtime
