// runtime/fault.h - SIGSEGV on a goroutine: a stack that overflowed, or a wild pointer.
//
//   fatal: stack overflow: goroutine 7 "label" exceeded its 256 KiB stack [0x7f..40000,
//   0x7f..80000) goroutine 7 was spawned at jobs/stage.cc:12
//     #0  _Z6walkiPKc + 0x12  (gorun+0x5d9fa)
//     ...
//
// Every M has a small stack of its own for signal handlers, since the goroutine's may be full. The
// faulting address decides: in the guard page of the very stack that the thread was on, it is an
// overflow (si_code is not the same for both kinds of guard, so it decides nothing). Any other
// fault is reported as a segmentation fault of the goroutine, and then handed to whoever handled
// SIGSEGV before: by default the process dies of it, with a core that shows the faulting frame.
//
// Under AddressSanitizer and ThreadSanitizer all this is left to them: they own the signal, and
// their reports say more.
#pragma once

#include <csignal>

#include <cstddef>

#include "runtime/arch/sanitizer.h"

namespace gorun::runtime {

inline constexpr bool kFaultReports = !arch::kAddressSanitizer && !arch::kThreadSanitizer;

/// While it lives faults on goroutines are reported. One at a time.
class FaultReports {
 public:
  FaultReports();
  ~FaultReports();
  FaultReports(const FaultReports&) = delete;
  FaultReports& operator=(const FaultReports&) = delete;
};

/// The stack on which the calling thread runs signal handlers, while this lives. Aborts when there
/// is no memory for it.
class SignalStack {
 public:
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* low_ = nullptr;
  std::size_t size_ = 0;
  stack_t previous_{};
};

}  // namespace gorun::runtime
