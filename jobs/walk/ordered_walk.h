// jobs/walk/ordered_walk.h - a walk by one caller, in an order that is always the same.
//
// Pulled piece by piece, it holds one directory's entries for each level of the tree. The order is
// the byte order of whole paths: a directory a is entered where "a/" stands among its siblings, so
// that "a-b" comes before "a/x". Or, without sorting, the order in which the kernel lists names,
// each directory after the files beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/system_error.h"
#include "jobs/walk/walker.h"

namespace gorun::jobs {

enum class WalkOrder : std::uint8_t { kSorted, kAsListed };

/// threads  one at a time.
class OrderedWalk {
 public:
  /// `walker` and `roots` outlive this. The roots come in their own order, or sorted.
  OrderedWalk(const Walker& walker, std::vector<std::string> roots, WalkOrder order);

  /// The next thing found; nothing at the end. Blocks in the calls that read directories.
  [[nodiscard]] std::optional<Found> next();

  /// What could not be looked at since the last call.
  [[nodiscard]] std::vector<SystemError> take_errors();

 private:
  // What one directory holds: something to report, or a directory to enter.
  struct Entry {
    std::string key;
    std::optional<Found> found;
    std::optional<PendingDirectory> directory;
  };
  struct Level {
    std::vector<Entry> entries;
    std::size_t next = 0;
  };

  void descend();

  const Walker& walker_;
  const std::vector<std::string> roots_;
  const WalkOrder order_;
  std::size_t next_root_ = 0;
  DirectoryReader reader_;
  WalkStep step_;
  std::vector<Level> levels_;  // the deepest last
  std::vector<SystemError> errors_;
};

}  // namespace gorun::jobs
