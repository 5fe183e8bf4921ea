#include "jobs/hash/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace gorun::jobs {
namespace {

#if defined(__x86_64__)
CpuFeatures find_out() {
  __builtin_cpu_init();
  CpuFeatures found;
  // The builtins look at XGETBV, too. They do not know "sha" in every compiler.
  found.avx2 = __builtin_cpu_supports("avx2") != 0;
  found.avx512 = __builtin_cpu_supports("avx512f") != 0 &&
                 __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  constexpr unsigned kStructuredFeatures = 7;
  constexpr unsigned kSha = 1U << 29;
  found.sha_ni = __get_cpuid_count(kStructuredFeatures, 0, &eax, &ebx, &ecx, &edx) != 0 &&
                 (ebx & kSha) != 0 && __builtin_cpu_supports("ssse3") != 0 &&
                 __builtin_cpu_supports("sse4.1") != 0;
  return found;
}
#else
CpuFeatures find_out() { return {}; }
#endif

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = find_out();
  return features;
}

}  // namespace gorun::jobs
