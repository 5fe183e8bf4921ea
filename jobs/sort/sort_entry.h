// jobs/sort/sort_entry.h - what is moved about in place of a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "jobs/sort/sort_record.h"

namespace gorun::jobs {

/// A record and the order's prefix of its key. Without values at first, for many are made at once.
struct SortEntry {
  std::uint64_t prefix;
  const char* record;
};

/// Entry `i` is being looked at: the records of some behind it are fetched, first their beginnings,
/// which tell how long they are.
inline void prefetch_ahead(std::span<const SortEntry> entries, std::size_t i) {
  constexpr std::size_t kAhead = 16;
  if (i + 2 * kAhead < entries.size()) __builtin_prefetch(entries[i + 2 * kAhead].record);
  if (i + kAhead < entries.size()) prefetch_rest(entries[i + kAhead].record);
}

using Entries = std::span<SortEntry>;

}  // namespace gorun::jobs
