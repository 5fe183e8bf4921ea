// tests/bench/blocking_bench.h - see blocking_bench.cc.
#pragma once

namespace gorun::bench {

/// Print the figures blockread_*, getppid_syscall, and starve_*. On the main goroutine of a
/// Runtime.
void blocking_reads();
void starve();

}  // namespace gorun::bench
