// jobs/mapreduce/stored_group.h - a group as bytes in a run of a file.
//
//   group   sizes key state...      one whose states are long is several, of the same key
//   sizes   a byte for the key and one for each state; 255: more, and 32 bits in front of it say
//           how many
//
// Numbers are in the machine's order; the file does not outlive the process.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/mapreduce/aggregate.h"
#include "jobs/mapreduce/count_table.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/key_words.h"

namespace gorun::jobs {

/// A group in a buffer.
class StoredGroup {
 public:
  /// bytes  which it begins; all of it is there.
  StoredGroup(const char* bytes, std::size_t aggregates)
      : sizes_(bytes), key_(take_part(bytes, bytes + 1 + aggregates)) {}

  [[nodiscard]] std::string_view key() const { return key_; }
  /// All of it, as it was read.
  [[nodiscard]] std::string_view bytes(std::size_t aggregates) const {
    const char* end = key_.data() + key_.size();
    for_each_state(aggregates, [&end](std::size_t /*a*/, std::string_view state) {
      end = state.data() + state.size();
    });
    return {sizes_, static_cast<std::size_t>(end - sizes_)};
  }
  /// Calls take(i, state) with the state of each aggregate.
  template <class Take>
  void for_each_state(std::size_t aggregates, Take take) const {
    const char* at = key_.data() + key_.size();
    for (std::size_t a = 0; a < aggregates; ++a) {
      const std::string_view state = take_part(sizes_ + 1 + a, at);
      take(a, state);
      at = state.data() + state.size();
    }
  }

  /// Bytes of the group that `bytes` begin with; if they are too few to tell, of which it is more.
  [[nodiscard]] static std::size_t size(std::string_view bytes, std::size_t aggregates) {
    std::size_t size = 1 + aggregates;
    if (bytes.size() < size) return size;
    for (std::size_t part = 0; part <= aggregates; ++part) {
      const auto small = static_cast<unsigned char>(bytes[part]);
      if (small < kLong) {
        size += small;
        continue;
      }
      if (bytes.size() < size + sizeof(Size)) return size + sizeof(Size);
      size += sizeof(Size) + size_at(bytes.data() + size);
    }
    return size;
  }

  /// What of a group has been appended.
  struct Progress {
    bool has_begun = false;
    std::vector<std::size_t> from = {};  // of each state: what comes next; 0: nothing, or all
    [[nodiscard]] bool is_done() const {
      return has_begun && std::ranges::all_of(from, [](std::size_t next) { return next == 0; });
    }
  };
  /// Appends a group of a table, whose states may be asked for; if those are long, as much of them
  /// as is read at a time. Each part is a group of the same key.
  /// returns  false: the key or a value is larger than can be written (4 GiB).
  [[nodiscard]] static bool append(const GroupTable& table, GroupTable::Id id,
                                   std::size_t aggregates, Progress* progress, std::string* out) {
    const bool is_first = !std::exchange(progress->has_begun, true);
    if (const CountSlot* slot = table.count_slot(id); slot != nullptr && aggregates == 1) {
      if (slot->length <= kShortKeyBytes) return append_short(*slot, out);
    }
    progress->from.resize(aggregates);
    const std::size_t sizes = out->size();
    out->append(1 + aggregates, '\0');
    std::size_t begin = out->size();
    *out += table.key(id);
    if (!end_part(sizes, begin, out)) return false;
    for (std::size_t a = 0; a < aggregates; ++a) {
      std::size_t& from = progress->from[a];
      if (!is_first && from == 0) continue;  // the size is 0
      begin = out->size();
      from = table.append_state(id, a, from, kMostOfState, out);
      if (!end_part(sizes + 1 + a, begin, out)) return false;
    }
    return true;
  }

 private:
  using Size = std::uint32_t;
  static constexpr std::size_t kLong = 255;
  // As much is in hand of each run while it is merged.
  static constexpr std::size_t kMostOfState = std::size_t{32} << 10;

  static Size size_at(const char* from) {
    Size size = 0;
    std::memcpy(&size, from, sizeof size);
    return size;
  }
  static std::string_view take_part(const char* size, const char* at) {
    const auto small = static_cast<unsigned char>(*size);
    if (small < kLong) return {at, small};
    return {at + sizeof(Size), size_at(at)};
  }
  // Nearly all that is counted. Of a short key 16 bytes are there.
  static bool append_short(const CountSlot& slot, std::string* out) {
    std::array<char, 2 + kShortKeyBytes + sizeof slot.count> group;
    char* const state = group.data() + 2 + slot.length;
    std::memcpy(group.data() + 2, &slot.first, kShortKeyBytes);
    char* const end = Aggregate::write_count_state(slot.count, state);
    group[0] = static_cast<char>(slot.length);
    group[1] = static_cast<char>(end - state);
    out->append(group.data(), static_cast<std::size_t>(end - group.data()));
    return true;
  }
  // Notes the size of what lies from `begin` on.
  static bool end_part(std::size_t size_at, std::size_t begin, std::string* out) {
    const std::size_t size = out->size() - begin;
    if (size > std::numeric_limits<Size>::max()) return false;
    (*out)[size_at] = static_cast<char>(size < kLong ? size : kLong);
    if (size < kLong) return true;
    const auto narrow = static_cast<Size>(size);
    out->insert(begin, reinterpret_cast<const char*>(&narrow), sizeof narrow);
    return true;
  }

  const char* sizes_;
  std::string_view key_;
};

}  // namespace gorun::jobs
