// runtime/num_cpu.h - how many cores this process may use.
#pragma once

#include <sys/types.h>

#include <string>

namespace gorun::runtime {

/// The number of cores that `thread` (0: the calling one) may use: its CPU affinity, limited by the
/// smallest CPU quota of the process's cgroup and all ancestors (rounded up). At least 1. threads:
/// any. Reads /proc and /sys.
[[nodiscard]] int num_cpu(pid_t thread = 0);

/// The Ps of a Runtime that is not told how many: GORUN_PROCS, or num_cpu().
[[nodiscard]] int default_procs();

/// The number of processors in the affinity mask of `thread` (0: the calling one). At least 1.
[[nodiscard]] int affinity_count(pid_t thread = 0);

/// Where the kernel tells of cgroups. Tests have their own.
struct CgroupFiles {
  std::string own = "/proc/self/cgroup";
  std::string root = "/sys/fs/cgroup";
};

/// The smallest CPU quota, in cores, of the process's cgroup and all its ancestors, or infinity.
[[nodiscard]] double cpu_quota(const CgroupFiles& files = {});

}  // namespace gorun::runtime
