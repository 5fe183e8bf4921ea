// jobs/sort/splitters.h - prefixes between which entries are dealt to buckets.
//
// Below the first splitter, it, between it and the second, ... is a bucket each: an odd one is that
// of a single prefix.
//
// Splitters are looked up in a tree without a branch, for some entries at a time: each step of a
// look-up waits for the one before.
//
// Prior art: P. Sanders, S. Winkel, Super scalar sample sort, 2004.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "jobs/sort/sort_entry.h"

namespace gorun::jobs {

class Splitters {
 public:
  // Buckets of some thousand entries fit the second-level cache with their copies.
  static constexpr int kLevels = 8;
  static constexpr std::size_t kMost = (std::size_t{1} << kLevels) - 1;

  /// sorted_samples  at least one.
  explicit Splitters(std::span<const std::uint64_t> sorted_samples);

  [[nodiscard]] std::size_t buckets() const { return 2 * count_ + 1; }

  /// Writes down the bucket of each entry, and counts them.
  void classify(Entries entries, std::uint16_t* buckets, std::span<std::size_t> counts) const;

 private:
  // Behind the last of fewer than kMost: no prefix is greater.
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  // The middle one of `count` from `first` on is the node, and so on below it.
  void plant(std::size_t node, std::size_t first, std::size_t count);
  // Without a branch that depends on the prefix.
  [[nodiscard]] std::size_t next(std::size_t node, std::uint64_t prefix) const {
    return 2 * node + static_cast<std::size_t>(tree_[node] < prefix);
  }
  [[nodiscard]] std::size_t bucket_at(std::size_t leaf, std::uint64_t prefix) const {
    const std::size_t below = leaf - (kMost + 1);
    const bool is_one = (below < count_) & (rising_[below] == prefix);
    return 2 * below + static_cast<std::size_t>(is_one);
  }

  std::size_t count_ = 0;
  std::array<std::uint64_t, kMost + 1> rising_{};
  std::array<std::uint64_t, kMost + 1> tree_{};  // from 1 on; below node n are 2n and 2n + 1
};

}  // namespace gorun::jobs
