// jobs/hash/hash_census.h - how much there is to hash, counted ahead of the hashing.
//
// The run itself knows a few thousand names at a time, so that memory stays the same whatever the
// tree; the end of the work can be foretold only by somebody who has been through all of it. He
// looks at names and sizes alone, and is called only where a person waits long enough to ask.
// Not chosen: an estimate from what has been walked, which is wrong by whatever comes last.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace gorun::jobs {

struct HashTotals {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

/// What is below `paths`, as PathSource finds it; what cannot be looked at counts for nothing.
///
/// stop     looked at for each directory; set: returns what was counted so far.
/// threads  any; blocks, and is no goroutine's.
[[nodiscard]] HashTotals count_below(const std::vector<std::string>& paths,
                                     const std::atomic<bool>& stop);

}  // namespace gorun::jobs
