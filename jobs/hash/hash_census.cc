#include "jobs/hash/hash_census.h"

#include <utility>

#include "jobs/walk/directory.h"
#include "jobs/walk/walker.h"

namespace gorun::jobs {

HashTotals count_below(const std::vector<std::string>& paths, const std::atomic<bool>& stop) {
  WalkOptions options;
  options.sizes = true;
  const Walker walker(options);
  DirectoryReader reader;
  HashTotals totals;
  WalkStep step;
  std::vector<PendingDirectory> pending;  // the newest is entered first: the list stays short
  const auto count_step = [&] {
    for (const Found& found : step.found) {
      ++totals.files;
      totals.bytes += found.size.value_or(0);
    }
    for (PendingDirectory& directory : step.directories) pending.push_back(std::move(directory));
    step.clear();
  };
  for (const std::string& path : paths) {
    walker.begin(path, &step);
    count_step();
    while (!pending.empty() && !stop.load(std::memory_order_relaxed)) {  // a hint
      const PendingDirectory directory = std::move(pending.back());
      pending.pop_back();
      walker.enter(directory, reader, &step);
      count_step();
    }
    pending.clear();
  }
  return totals;
}

}  // namespace gorun::jobs
