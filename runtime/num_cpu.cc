// runtime/num_cpu.cc - affinity, and the CPU quotas of every cgroup from ours up to the root.
//
// A container's quota limits how much CPU time may be used, not which cores: 250 % is three cores'
// worth, rounded up so that none of it is out of reach.
//
// A process without a cgroup namespace of its own reads its path from the host's root, which it may
// not see: directories that are not there have no quota, and the one at the root is its own.

#include "runtime/num_cpu.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <string>

namespace gorun::runtime {
namespace {

// The quota in cores of one cgroup directory, or infinity. Both versions of the interface; what is
// not a number ("max", "-1") is no quota.
double quota_of(const std::string& directory) {
  double quota = 0;
  double period = 0;
  if (std::ifstream file(directory + "/cpu.max"); file) {
    file >> quota >> period;
  } else {
    std::ifstream(directory + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(directory + "/cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : INFINITY;
}

}  // namespace

int affinity_count(pid_t thread) {
  // Machines with more than 1,024 processors need a larger mask than cpu_set_t.
  for (int bits = 1024; bits <= 1 << 20; bits *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(
        CPU_ALLOC(static_cast<std::size_t>(bits)), [](cpu_set_t* s) { CPU_FREE(s); });
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(bits));
    CPU_ZERO_S(size, set.get());
    if (sched_getaffinity(thread, size, set.get()) == 0) {
      return std::max(1, CPU_COUNT_S(size, set.get()));
    }
  }
  return 1;
}

double cpu_quota(const CgroupFiles& files) {
  double smallest = INFINITY;
  std::ifstream groups(files.own);  // lines "hierarchy:controllers:/path"
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string root = files.root;
    if (!controllers.empty()) {  // version 1: only the cpu hierarchy has quotas
      if (("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
      root += "/cpu";
    }
    std::string path = line.substr(second + 1);
    for (;;) {
      smallest = std::min(smallest, quota_of(path == "/" ? root : root + path));
      const std::size_t slash = path.rfind('/');
      if (slash == std::string::npos || path == "/" || path.empty()) break;
      path = slash == 0 ? "/" : path.substr(0, slash);
    }
  }
  return smallest;
}

int num_cpu(pid_t thread) {
  const int cores = affinity_count(thread);
  const double quota = cpu_quota();
  if (quota >= cores) return cores;
  return std::max(1, static_cast<int>(std::ceil(quota)));
}

}  // namespace gorun::runtime
