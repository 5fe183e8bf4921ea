// jobs/walk/ordered_walk.h - a walk by several goroutines, in an order that is always the same.
//
// Who asks gets the next piece of one sequence. The order is the byte order of whole paths: a
// directory a is entered where "a/" stands among its siblings, so that "a-b" comes before "a/x".
// Or, without sorting, the order in which the kernel lists names, each directory after the files
// beside it.
//
// Directories are listed by those who ask, with the lock released: one who finds that the next
// directory is being listed lists the one after it. So walking is as parallel as what is done with
// the pieces, with no goroutine of its own, and nobody lists what nobody will soon need.
//
// Invariants
//   I1  The next directory in the order may always be listed; others only while fewer than
//       kListedAhead lie ready. Memory holds their entries, and those of one directory a level.
//   I2  A piece is full, or the last one. It has what stands next in the order, whoever listed it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "jobs/system_error.h"
#include "jobs/walk/walker.h"
#include "runtime/sync.h"

namespace gorun::jobs {

enum class WalkOrder : std::uint8_t { kSorted, kAsListed };

/// Neighbours in the order.
struct WalkPiece {
  std::uint64_t number = 0;  // from 0
  std::vector<Found> found;
  std::vector<SystemError> errors;  // what could not be looked at on the way
};

/// threads  any goroutines at once.
class OrderedWalk {
 public:
  /// `walker` outlives this. The roots come in the order given.
  OrderedWalk(const Walker& walker, std::vector<std::string> roots, WalkOrder order);
  ~OrderedWalk();
  OrderedWalk(const OrderedWalk&) = delete;
  OrderedWalk& operator=(const OrderedWalk&) = delete;

  /// Fills in the next `limit` things found, or the rest; false: there is no more. Parks, and
  /// reads directories in blocking sections of its own.
  [[nodiscard]] bool next(std::size_t limit, WalkPiece* piece);

 private:
  struct Directory;
  struct Entry;
  struct Scratch;

  enum class Cut : std::uint8_t { kPiece, kNeedsListing, kEnd };

  [[nodiscard]] Cut cut(std::size_t limit);
  [[nodiscard]] Directory* claim();
  void list(Directory& directory, std::unique_lock<runtime::Mutex>& lock);
  void look_into(Directory& directory, Scratch& scratch) const;
  [[nodiscard]] static bool comes_before(const Entry& a, const Entry& b);

  const Walker& walker_;
  const WalkOrder order_;
  runtime::Mutex mutex_;                           // guards all below
  runtime::Cond listed_;                           // a directory has been
  std::unique_ptr<Directory> top_;                 // its entries are the roots
  std::vector<Directory*> levels_;                 // where the order has come to; the deepest last
  WalkPiece piece_;                                // being filled
  std::size_t ahead_ = 0;                          // directories listed, or being so, not entered
  std::vector<std::unique_ptr<Scratch>> scratch_;  // that nobody uses
};

}  // namespace gorun::jobs
