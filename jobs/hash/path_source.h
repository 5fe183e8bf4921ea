// jobs/hash/path_source.h - the files that command-line paths name: themselves, or all below them.
//
// A path that is given is followed if it is a link; below it links are links. Below a directory
// only regular files count: FIFOs, sockets, devices and links are passed over, for a digest of them
// means nothing. A path that is given and none of all that is an error.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "jobs/hash/hash_run.h"
#include "jobs/walk/ordered_walk.h"

namespace gorun::jobs {

class PathSource final : public HashSource {
 public:
  PathSource(std::vector<std::string> paths, std::vector<Algorithm> algorithms, WalkOrder order);

  bool next(HashTask* task) override;

 private:
  const std::vector<Algorithm> algorithms_;
  const Walker walker_;
  OrderedWalk walk_;
};

}  // namespace gorun::jobs
