// runtime/num_cpu.h - how many processors this process may use.
#pragma once

namespace gorun::runtime {

/// The number of processors in this process's affinity mask, at least 1.
///
/// threads  any.
/// source   sched_getaffinity(2).
[[nodiscard]] int num_cpu();

}  // namespace gorun::runtime
