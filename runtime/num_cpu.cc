// runtime/num_cpu.cc - reads the affinity mask.

#include "runtime/num_cpu.h"

#include <sched.h>

#include <algorithm>

namespace gorun::runtime {

int num_cpu() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines with more than 1,024 processors, whose mask does not fit.
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace gorun::runtime
