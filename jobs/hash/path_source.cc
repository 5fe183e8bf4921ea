#include "jobs/hash/path_source.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "jobs/hash/hash_worker.h"

namespace gorun::jobs {
namespace {

// Every type, so that a path that is given is never passed over without a word.
WalkOptions every_type(TurningDisks* disks) {
  WalkOptions options;
  options.type = std::nullopt;
  options.disks = disks;
  return options;
}

}  // namespace

PathSource::PathSource(std::vector<std::string> paths, std::vector<Algorithm> algorithms,
                       WalkOrder order, TurningDisks* disks, const DigestCache* cache)
    : algorithms_(std::move(algorithms)),
      cache_(cache),
      walker_(every_type(disks)),
      walk_(walker_, std::move(paths), order) {}

bool PathSource::next(HashTask* task) {
  const bool turns = turns_.load(std::memory_order_relaxed);
  WalkPiece piece;
  if (!walk_.next(turns ? kHashTaskNames : kHashNamesAtOnce, &piece)) return false;
  task->number = piece.number;
  task->algorithms = algorithms_;
  task->errors = std::move(piece.errors);
  task->names.reserve(piece.found.size());
  std::vector<std::uint64_t> inodes;
  for (Found& found : piece.found) {
    const bool is_wanted =
        found.type == FileType::kFile || (found.is_root && found.type != FileType::kDirectory);
    if (!is_wanted) continue;
    if (cache_ != nullptr && !found.is_root && cache_->is_made_of(found.path)) continue;
    task->names.push_back(std::move(found.path));
    inodes.push_back(found.inode);
  }
  const bool has_inodes =
      std::ranges::any_of(inodes, [](std::uint64_t inode) { return inode != 0; });
  if (has_inodes != turns) turns_.store(has_inodes, std::memory_order_relaxed);
  if (!has_inodes) return true;
  task->reading_order.resize(inodes.size());
  std::iota(task->reading_order.begin(), task->reading_order.end(), 0U);
  std::ranges::sort(task->reading_order, {}, [&inodes](std::uint32_t i) { return inodes[i]; });
  return true;
}

}  // namespace gorun::jobs
