// jobs/mapreduce/dealt_counts.h - counts on their way from one worker to the shards.
//
// Either a CountTable as it was, of which a shard reads what lies where its keys are at home, or
// slots without any that are free, in the order of the shards.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "jobs/large_memory.h"
#include "jobs/mapreduce/count_table.h"
#include "jobs/mapreduce/key_arena.h"
#include "jobs/mapreduce/shards.h"

namespace gorun::jobs {

/// threads  any; it does not change.
class DealtCounts {
 public:
  /// parts  of each shard, in `slots`, whose long keys lie in the arena.
  DealtCounts(Shards shards, std::size_t size, LargeArray<CountSlot>&& slots,
              std::vector<SlotsOfShard>&& parts, KeyArena&& arena)
      : shards_(shards),
        size_(size),
        slots_(std::move(slots)),
        parts_(std::move(parts)),
        arena_(std::move(arena)) {}

  [[nodiscard]] Shards shards() const { return shards_; }
  [[nodiscard]] const SlotsOfShard& part(std::size_t shard) const { return parts_[shard]; }
  /// About how many of them a shard's keys are.
  [[nodiscard]] std::size_t expected(std::size_t shard) const {
    return std::min(part(shard).size(), size_ / shards_.count());
  }

 private:
  Shards shards_;
  std::size_t size_;  // keys, of all shards
  LargeArray<CountSlot> slots_;
  std::vector<SlotsOfShard> parts_;
  KeyArena arena_;
};

}  // namespace gorun::jobs
