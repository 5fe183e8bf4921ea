// runtime/arch/system_call.h - a system call in place, without the C library's function around it.
//
// A message over the loopback costs a little less that way. A call through syscall(), which unlike
// the others is no cancellation point, gains nothing, so it is the function that costs: presumably,
// as the kernel leaves nothing of ours in the processor's stack of return addresses, each return on
// the way up from a system call is mispredicted. Nor is there an errno, so none to mix up
// (poll/attempt.h).
//
// For calls that are made for every message or event only, and not where the sanitizers want to see
// them: those know what a call reads and writes by the C library's name.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <type_traits>

#include "runtime/arch/sanitizer.h"

namespace gorun::runtime::arch {

/// Whether system_call() may take the place of the C library's function.
inline constexpr bool kMaySkipLibrary = !kThreadSanitizer && !kAddressSanitizer;

#if defined(__x86_64__)

[[gnu::always_inline]] inline long system_call_words(long number, long a, long b, long c, long d,
                                                     long e, long f) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

[[gnu::always_inline]] inline long system_call_words(long number, long a, long b, long c, long d,
                                                     long e, long f) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc #0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
}

#endif

/// A number or an address as the kernel takes it.
template <class Argument>
long system_word(Argument argument) {
  if constexpr (std::is_integral_v<Argument> || std::is_enum_v<Argument>) {
    return static_cast<long>(argument);
  } else {
    const void* const address = argument;
    return reinterpret_cast<std::intptr_t>(address);
  }
}

/// The result, or minus an errno. Up to six arguments: integers and addresses.
template <class... Arguments>
[[gnu::always_inline]] inline long system_call(long number, Arguments... arguments) {
  static_assert(sizeof...(Arguments) <= 6);
  long words[6] = {system_word(arguments)...};
  return system_call_words(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

}  // namespace gorun::runtime::arch
