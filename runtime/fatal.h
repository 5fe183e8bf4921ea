// runtime/fatal.h - the one way out when an invariant is broken: say what and where, and abort.
//
//   fatal: chan: close of a closed channel (goroutine 7 "merge", M2, P0)
//   goroutines: 2 running, 1 runnable; parked: 3 chan receive, 1 select
//     #0  gorun::runtime::ChanCore::close(gorun::runtime::ChanCore*) + 0x9d  (gorun+0x1a2bd)
//     ...
#pragma once

namespace gorun::runtime {

class CrashText;

/// Prints "fatal: <message>", the G, M and P of the caller, what all goroutines are doing and a
/// backtrace to standard error, then aborts. It takes no lock and allocates nothing before the
/// message is out. threads: any.
[[noreturn, gnu::format(printf, 1, 2)]] void fatal(const char* format, ...);

/// "goroutines: ..." as above: how many there are in each state. A line with its newline; nothing
/// if there are none, or if another thread is just making or counting goroutines. threads: any.
void add_goroutine_counts(CrashText& text);

}  // namespace gorun::runtime
