// runtime/sched/pause.h - tells the core that the caller spins.
#pragma once

namespace gorun::runtime {

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

}  // namespace gorun::runtime
