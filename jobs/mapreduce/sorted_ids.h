// jobs/mapreduce/sorted_ids.h - the keys of a table in their order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "jobs/mapreduce/least_key.h"
#include "jobs/sort/bin_sort.h"

namespace gorun::jobs {

/// Bytes that ids_by_key() takes at most for each key while it sorts.
inline constexpr std::size_t kBytesToSortKey = 2 * sizeof(NumberedEntry);

/// The numbers below `count` in the byte order of key_of(number). Most are told apart by the first
/// bytes of their keys, which are looked at where they lie for this once; the others are compared
/// as a whole.
template <class KeyOf>
[[nodiscard]] std::vector<std::uint32_t> ids_by_key(std::size_t count, KeyOf key_of) {
  std::vector<NumberedEntry> entries(count);
  for (std::uint32_t id = 0; id < count; ++id) entries[id] = {leading_bytes(key_of(id)), id};
  {
    std::vector<NumberedEntry> scratch(count);
    BinSortOf<NumberedEntry>().sort(entries, scratch, Into::kFrom);
  }
  for (std::size_t begin = 0; begin < count;) {
    std::size_t end = begin + 1;
    while (end < count && entries[end].prefix == entries[begin].prefix) ++end;
    if (end - begin > 1) {
      const std::span alike = std::span(entries).subspan(begin, end - begin);
      std::sort(alike.begin(), alike.end(), [&](const NumberedEntry& a, const NumberedEntry& b) {
        return key_of(a.number) < key_of(b.number);
      });
    }
    begin = end;
  }
  std::vector<std::uint32_t> ids(count);
  std::ranges::transform(entries, ids.begin(), &NumberedEntry::number);
  return ids;
}

}  // namespace gorun::jobs
