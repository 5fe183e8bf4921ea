// tests/bench/echo_bench.h - see echo_bench.cc.
#pragma once

namespace gorun::bench {

/// Prints the figure tcpecho64. On a goroutine.
void echo();

}  // namespace gorun::bench
