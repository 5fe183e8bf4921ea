// runtime/num_cpu.cc - affinity, and the CPU quotas of every cgroup from ours up to the root.
//
// A container's quota limits how much CPU time may be used, not which cores: 250 % is three cores'
// worth, rounded up so that none of it is out of reach.

#include "runtime/num_cpu.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <string>

namespace gorun::runtime {
namespace {

int affinity_count() {
  // Machines with more than 1,024 processors need a larger mask than cpu_set_t.
  for (int bits = 1024; bits <= 1 << 20; bits *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(
        CPU_ALLOC(static_cast<std::size_t>(bits)), [](cpu_set_t* s) { CPU_FREE(s); });
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(bits));
    CPU_ZERO_S(size, set.get());
    if (sched_getaffinity(0, size, set.get()) == 0) return CPU_COUNT_S(size, set.get());
  }
  return 1;
}

// The quota in cores of one cgroup directory, or infinity. Both versions of the interface.
double quota_of(const std::string& directory) {
  if (std::ifstream file(directory + "/cpu.max"); file) {
    std::string quota;
    double period = 0;
    if (file >> quota >> period && quota != "max" && period > 0) return std::stod(quota) / period;
    return INFINITY;
  }
  std::ifstream quota_file(directory + "/cpu.cfs_quota_us");
  std::ifstream period_file(directory + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0) {
    return quota / period;
  }
  return INFINITY;
}

double smallest_quota() {
  double smallest = INFINITY;
  std::ifstream groups("/proc/self/cgroup");  // lines "hierarchy:controllers:/path"
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string root = "/sys/fs/cgroup";
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

}  // namespace

int num_cpu() {
  const int cores = std::max(1, affinity_count());
  const double quota = smallest_quota();
  if (quota >= cores) return cores;
  return std::max(1, static_cast<int>(std::ceil(quota)));
}

}  // namespace gorun::runtime
