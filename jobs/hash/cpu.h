// jobs/hash/cpu.h - which of the instructions that the kernels use this processor has.
//
// A kernel is compiled with flags of its own and may be called only if its bit here is set. A bit
// says that the processor has the instructions and that the operating system saves the registers
// they use: AVX without the latter faults like an unknown instruction.
#pragma once

namespace gorun::jobs {

struct CpuFeatures {
  bool avx2 = false;
  bool avx512 = false;  // F, BW and VL
  bool sha_ni = false;  // with SSSE3 and SSE4.1
};

/// What the processor has; found out once. All false on other architectures than x86-64.
[[nodiscard]] const CpuFeatures& cpu_features();

}  // namespace gorun::jobs
