// jobs/mapreduce/sorted_ids.h - the keys of a table in their order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "jobs/mapreduce/least_key.h"

namespace gorun::jobs {

/// The numbers below `count` in the byte order of key_of(number). Most are told apart by the first
/// bytes of their keys, which are looked at where they lie for this once.
template <class KeyOf>
[[nodiscard]] std::vector<std::uint32_t> ids_by_key(std::size_t count, KeyOf key_of) {
  struct Sortable {
    std::uint64_t leading;
    std::uint32_t id;
  };
  std::vector<Sortable> sortable(count);
  for (std::uint32_t id = 0; id < count; ++id) sortable[id] = {leading_bytes(key_of(id)), id};
  std::sort(sortable.begin(), sortable.end(), [&](const Sortable& a, const Sortable& b) {
    return a.leading != b.leading ? a.leading < b.leading : key_of(a.id) < key_of(b.id);
  });
  std::vector<std::uint32_t> ids(count);
  std::transform(sortable.begin(), sortable.end(), ids.begin(),
                 [](const Sortable& entry) { return entry.id; });
  return ids;
}

}  // namespace gorun::jobs
