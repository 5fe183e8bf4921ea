// runtime/num_cpu.h - how many cores this process may use.
#pragma once

namespace gorun::runtime {

/// The number of cores this process may use: its CPU affinity, limited by the smallest CPU quota of
/// its cgroup and all ancestors (rounded up). At least 1. threads: any. Reads /proc and /sys.
[[nodiscard]] int num_cpu();

}  // namespace gorun::runtime
