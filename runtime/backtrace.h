// runtime/backtrace.h - the calls that led here, for the reports of a process that is about to end.
//
//   #0  gorun::jobs::parse(std::string const&) + 0x1f  (gorun+0x4c3a1f)
//   #1  gorun_goroutine_main + 0x42  (gorun+0x1b2c2)
//   #2  gorun_context_entry + 0x5  (gorun+0x1b0f5)
//
// On a goroutine it ends at gorun_context_entry, whose unwind information says that nothing called
// it. Names come from the dynamic symbol table (the executables are linked with -rdynamic); a
// static function is known by file and offset only: `addr2line -Cfie gorun 0x4c3a1f` has the rest.
//
// Not chosen: backtrace() of execinfo.h, which loads a library on its first call, and reading
// DWARF, which is a program of its own.
#pragma once

namespace gorun::runtime {

/// kPlain neither allocates nor demangles: for signal handlers and broken heaps.
enum class SymbolNames : unsigned char { kPlain, kDemangled };

/// Where a backtrace begins. kCaller: at the caller. kThrow: where an exception was thrown, if that
/// is how the caller came to run. kSignal: at the instruction that a signal handler interrupted.
enum class BacktraceFrom : unsigned char { kCaller, kThrow, kSignal };

/// Enough for the calls of a crash that is no endless recursion.
inline constexpr int kMostCalls = 64;

/// Writes at most `most` calls to standard error, innermost first. threads: any, on any stack.
void write_backtrace(BacktraceFrom from, SymbolNames names, int most);

}  // namespace gorun::runtime
