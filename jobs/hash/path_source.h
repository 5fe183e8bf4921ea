// jobs/hash/path_source.h - the files that command-line paths name: themselves, or all below them.
//
// A path that is given is followed if it is a link; below it links are links. Below a directory
// only regular files count: FIFOs, sockets, devices and links are passed over, for a digest of them
// means nothing. A path that is given and none of all that is an error.
//
// On a disk that turns a task is large, and its files are to be read in the order of their inodes.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "jobs/hash/digest_cache.h"
#include "jobs/hash/hash_run.h"
#include "jobs/walk/ordered_walk.h"

namespace gorun::jobs {

class PathSource final : public HashSource {
 public:
  /// disks  outlive this; nullptr: none turns.
  /// cache  outlives this; the files that it lies in are passed over, unless they are given.
  ///        nullptr: there is none.
  PathSource(std::vector<std::string> paths, std::vector<Algorithm> algorithms, WalkOrder order,
             TurningDisks* disks = nullptr, const DigestCache* cache = nullptr);

  bool next(HashTask* task) override;

 private:
  const std::vector<Algorithm> algorithms_;
  const DigestCache* const cache_;
  const Walker walker_;
  OrderedWalk walk_;
  std::atomic<bool> turns_ = false;  // what was found last; relaxed: a hint for the size of tasks
};

}  // namespace gorun::jobs
