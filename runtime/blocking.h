// runtime/blocking.h - marked blocking calls: a goroutine in the kernel does not hold a P.
//
// A call that may block its thread (read of a file, waitpid, poll, a library that does I/O) is put
// between enter and exit of a blocking section. While it lasts the M may lose its P to waiting
// work; on the way out the G takes its old P back if that is idle, any idle P otherwise, or else
// queues for one. Inside the section no runtime operation may be called; handles on a Cancel may be
// copied and dropped.
#pragma once

#include <type_traits>
#include <utility>

namespace gorun::runtime {

/// What the caller knows of the call: kBrief leaves the P in place, for sysmon to retake when the
/// call lasts; kLong (a wait for a child, for input) hands the P to waiting work at once.
enum class Blocking : unsigned char { kBrief, kLong };

/// The bracket itself. Outside a goroutine both do nothing.
///
/// errno must be read inside the section: the goroutine may leave it on another thread, and a
/// compiler may keep the address of the old thread's errno.
void enter_blocking(Blocking expected);
void exit_blocking();

/// Runs `f` inside a blocking section and returns what it returns; an exception leaves the section.
template <class F>
auto blocking(Blocking expected, F&& f) {
  struct Section {
    explicit Section(Blocking how) { enter_blocking(how); }
    ~Section() { exit_blocking(); }
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;
  };
  const Section section(expected);
  return std::forward<F>(f)();
}
template <class F>
auto blocking(F&& f) {
  return blocking(Blocking::kLong, std::forward<F>(f));
}

}  // namespace gorun::runtime
