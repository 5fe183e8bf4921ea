// runtime/fatal.h - the one way out when an invariant is broken: say what, and abort.
#pragma once

namespace gorun::runtime {

/// Prints "fatal: <message> (G7, M2, P0)" to stderr and aborts. Allocates nothing. threads: any.
[[noreturn, gnu::format(printf, 1, 2)]] void fatal(const char* format, ...);

}  // namespace gorun::runtime
