// jobs/sort/merge_sort.h - few entries in order, stably: by insertion, and by merging, which has no
// branch on the comparison.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace gorun::jobs {

/// So few are sorted by insertion.
inline constexpr std::size_t kFew = 16;

template <class Entry, class Less>
void insertion_sort(std::span<Entry> entries, Less less) {
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const Entry entry = entries[i];
    std::size_t at = i;
    for (; at > 0 && less(entry, entries[at - 1]); --at) entries[at] = entries[at - 1];
    entries[at] = entry;
  }
}

/// Of equal entries those of `left` come first.
template <class Entry, class Less>
void merge(std::span<Entry> left, std::span<Entry> right, Entry* to, Less less) {
  const Entry* a = left.data();
  const Entry* b = right.data();
  const Entry* const a_end = a + left.size();
  const Entry* const b_end = b + right.size();
  while (a != a_end && b != b_end) {
    const auto takes_b = static_cast<std::ptrdiff_t>(less(*b, *a));
    *to++ = *(takes_b != 0 ? b : a);
    a += 1 - takes_b;
    b += takes_b;
  }
  to = std::copy(a, a_end, to);
  std::copy(b, b_end, to);
}

enum class Into : unsigned char { kFrom, kOther };

/// Sorts `from`, with `other` as scratch, into either of them.
template <class Entry, class Less>
void merge_sort(std::span<Entry> from, std::span<Entry> other, Into into, Less less) {
  if (from.size() <= kFew) {
    insertion_sort(from, less);
    if (into == Into::kOther) std::ranges::copy(from, other.begin());
    return;
  }
  const std::size_t half = from.size() / 2;
  const Into halves = into == Into::kFrom ? Into::kOther : Into::kFrom;
  merge_sort(from.first(half), other.first(half), halves, less);
  merge_sort(from.subspan(half), other.subspan(half), halves, less);
  const std::span<Entry> source = into == Into::kFrom ? other : from;
  merge(source.first(half), source.subspan(half), (into == Into::kFrom ? from : other).data(),
        less);
}

}  // namespace gorun::jobs
