#include "jobs/walk/ordered_walk.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gorun::jobs {

OrderedWalk::OrderedWalk(const Walker& walker, std::vector<std::string> roots, WalkOrder order)
    : walker_(walker), roots_(std::move(roots)), order_(order) {}

std::optional<Found> OrderedWalk::next() {
  while (true) {
    if (levels_.empty()) {
      if (next_root_ == roots_.size()) return std::nullopt;
      walker_.begin(roots_[next_root_++], &step_);
      descend();
      continue;
    }
    Level& level = levels_.back();
    if (level.next == level.entries.size()) {
      levels_.pop_back();
      continue;
    }
    Entry& entry = level.entries[level.next++];
    if (entry.found) return std::move(entry.found);
    const PendingDirectory directory = std::move(*entry.directory);
    walker_.enter(directory, reader_, &step_);
    descend();
  }
}

std::vector<SystemError> OrderedWalk::take_errors() { return std::exchange(errors_, {}); }

// Makes a level of what the last step has found.
void OrderedWalk::descend() {
  Level level;
  for (Found& found : step_.found) {
    std::string key = order_ == WalkOrder::kSorted ? found.path : std::string();
    level.entries.push_back({std::move(key), std::move(found), std::nullopt});
  }
  for (PendingDirectory& directory : step_.directories) {
    std::string key;
    if (order_ == WalkOrder::kSorted) {
      key = directory.path;
      if (!key.ends_with('/')) key += '/';
    }
    level.entries.push_back({std::move(key), std::nullopt, std::move(directory)});
  }
  std::ranges::move(step_.errors, std::back_inserter(errors_));
  step_.clear();
  if (order_ == WalkOrder::kSorted) std::ranges::sort(level.entries, {}, &Entry::key);
  levels_.push_back(std::move(level));
}

}  // namespace gorun::jobs
