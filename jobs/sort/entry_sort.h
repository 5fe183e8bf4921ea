// jobs/sort/entry_sort.h - sorting references to records by their keys, stably, on all cores.
//
// An entry has the first eight bytes of its key as a number (SortOrder::prefix), so that most pairs
// are told apart without a look at the records, which lie all over the memory.
//
//   1  samples give some hundred splitters; each entry is dealt to the bucket between two of them,
//      or to that of the entries whose prefix is one, in order: by as many goroutines as there are
//      Ps
//   2  buckets, which fit the caches, are sorted by their prefixes alone (bin_sort.h)
//   3  entries of one prefix get another one, the eight bytes behind what all of their keys begin
//      with, and are sorted by these, and so on. Few of them are compared, and so are numbers, of
//      which a prefix is not a part
//
// A bucket of one prefix that is large (all keys begin alike) goes through all of it again, so that
// it, too, is shared out.
//
// Not chosen: std::sort, which compared prefixes with a branch that is guessed wrong every other
// time, needed the place of each entry to keep the order of equal ones, and used one core. A radix
// sort by bytes, which takes long keys that begin alike one byte at a time.
//
// Prior art: M. Axtmann et al., In-place parallel super scalar samplesort (IPS4o), 2017; A.
// Andersson, S. Nilsson, Implementing radixsort, 1998 (of words instead of bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "jobs/sort/sort_entry.h"
#include "jobs/sort/sort_record.h"

namespace gorun::jobs {

/// Bytes that sort_entries() takes for each entry beside it and its copy in `scratch`.
inline constexpr std::size_t kSortBytesPerEntry = sizeof(std::uint16_t);

/// Sorts `entries` by the keys of their records; those of equal keys stay in their order.
/// scratch  as many entries, of any content; spoiled.
/// threads  a goroutine, which parks while others help.
void sort_entries(std::span<SortEntry> entries, std::span<SortEntry> scratch,
                  const SortOrder& order);

}  // namespace gorun::jobs
