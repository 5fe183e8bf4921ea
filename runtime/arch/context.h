// runtime/arch/context.h - the context switch: leave one stack, continue on another.
//
// A context is nothing but a saved stack pointer; the six callee-saved registers and the resume
// address lie on the stack it points to. Floating-point control words are not saved: they belong to
// the M. The switch leaves by ret. A pop and an indirect jump is faster by itself (2.5 ns
// against 7.5, tests/bench/limits), but leaves the call's entry on the processor's return stack, so
// that every return after it is mispredicted (yield among two: 26 ns against 14).
//
// Not chosen: ucontext (a system call for the signal mask on each switch), compiler-inlined
// switches (a third of the time, but every caller-saved register spilled at each park site).
#pragma once

extern "C" {
/// Saves the caller's context in `*save`, continues at the context `to`. Returns when another
/// switch names the saved context, perhaps on another thread.
void gorun_context_switch(void** save, void* to);

/// Where a new context begins: aligns the stack and calls gorun_goroutine_main(), which never
/// returns. Not callable.
void gorun_context_entry();

/// The body of every goroutine stack; defined in sched/goroutine.cc.
[[noreturn]] void gorun_goroutine_main();
}

namespace gorun::runtime::arch {

/// The context of a stack that has not run yet. `top` is aligned to 64 bytes; what lies above it is
/// the caller's.
inline void* make_context(void* top) {
#if defined(__x86_64__)
  constexpr int kPadding = 1;
  constexpr int kRegisters = 6;  // rbp rbx r12 r13 r14 r15, popped by the first switch
#elif defined(__aarch64__)
  constexpr int kPadding = 2;
  constexpr int kRegisters = 19;  // x19-x29, d8-d15; x30 is the resume address
#else
#error "gorun runs on x86-64 and aarch64"
#endif
  // AArch64 faults on any access by a stack pointer that is not, the first switch's included.
  static_assert((kPadding + 1 + kRegisters) % 2 == 0, "a context is aligned to 16 bytes");
  void** sp = static_cast<void**>(top);
  // Keeps the frame of the entry aligned, and ends frame-pointer walks.
  for (int i = 0; i < kPadding; ++i) *--sp = nullptr;
  *--sp = reinterpret_cast<void*>(&gorun_context_entry);
  for (int i = 0; i < kRegisters; ++i) *--sp = nullptr;
  return sp;
}

}  // namespace gorun::runtime::arch
