// jobs/sort/bin_sort.h - entries in the order of their prefixes, stably: a radix sort that looks at
// where the prefixes lie.
//
// Entries are dealt to bins, each as wide as the others, between the least and the greatest prefix;
// there are some for each bin, and what is left to do is within bins. A bin that got many goes
// through it again: its range is a small part of the one before, so that this ends after few times
// whatever the prefixes are.
//
// Not chosen: merging all of it, which goes through a bucket of some ten thousand eleven times.
//
// Prior art: I. J. Davis, A fast radix sort, 1992; M. Skarupke, ska_sort, 2016.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "jobs/sort/merge_sort.h"
#include "jobs/sort/sort_entry.h"

namespace gorun::jobs {

/// Entry    has a `prefix`, and is small.
/// threads  one at a time: each has its own.
template <class Entry>
class BinSortOf {
 public:
  using Entries = std::span<Entry>;

  /// Sorts `from`, with `other` as scratch, into either of them.
  void sort(Entries from, Entries other, Into into);

 private:
  // The places of so many bins fit the first-level cache.
  static constexpr int kMostBinBits = 13;

  std::vector<std::uint32_t> ends_;  // of bins, while entries are dealt to them
};

using BinSort = BinSortOf<SortEntry>;

/// Something that has a number.
struct NumberedEntry {
  std::uint64_t prefix;
  std::uint32_t number;
};

extern template class BinSortOf<SortEntry>;
extern template class BinSortOf<NumberedEntry>;

}  // namespace gorun::jobs
