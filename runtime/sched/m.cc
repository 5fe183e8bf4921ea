// runtime/sched/m.cc - see m.h.

#include "runtime/sched/m.h"

#include "runtime/sched/p.h"

extern "C" {
constinit thread_local gorun::runtime::M* gorun_current_m = nullptr;
}

namespace gorun::runtime {

#if !defined(__x86_64__)
[[gnu::noinline]] M* load_current_m() {
  asm volatile("");  // keeps the call from being hoisted or merged across a switch
  return gorun_current_m;
}
#endif

M::M(int number, std::uint64_t jitter)
    : gate(kNobodysMutexKey | (jitter == 0 ? 0 : kJitter)),
      // Any odd non-zero seed; distinct Ms must not probe Ps in step.
      random((0x9E3779B97F4A7C15ull * static_cast<std::uint64_t>(number + 1) ^ (jitter << 1)) | 1),
      id(number) {}

}  // namespace gorun::runtime
