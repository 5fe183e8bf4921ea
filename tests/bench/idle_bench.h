// tests/bench/idle_bench.h - see idle_bench.cc.
#pragma once

namespace gorun::bench {

/// On the main goroutine of a Runtime.
void idle();

}  // namespace gorun::bench
