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
  RecordRef record;
};

/// Entry `i` is being looked at: the records of some behind it are fetched, first their beginnings,
/// which tell how long they are; of a text that is known.
inline void prefetch_ahead(std::span<const SortEntry> entries, std::size_t i) {
  constexpr std::size_t kAhead = 16;
  if (i + 2 * kAhead < entries.size()) {
    const RecordRef far = entries[i + 2 * kAhead].record;
    if (far.is_text()) {
      prefetch_rest(far);
    } else {
      __builtin_prefetch(far.address());
    }
  }
  if (i + kAhead < entries.size() && !entries[i + kAhead].record.is_text()) {
    prefetch_rest(entries[i + kAhead].record);
  }
}

using Entries = std::span<SortEntry>;

}  // namespace gorun::jobs
