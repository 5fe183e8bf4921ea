// jobs/mapreduce/merge_tables.h - what a shard of "reduce" does with the tables of the workers.
//
// A worker's table goes to all shards at once, and the last one drops it. What the shards find in
// their own tables tells the workers how large theirs are worth to be.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "jobs/batch.h"
#include "jobs/mapreduce/dealt_table.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/shard_groups.h"
#include "jobs/stage.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// One table, shared by all shards; the last one drops it.
struct TableParcel final : Parcel {
  explicit TableParcel(std::shared_ptr<const DealtTable> shared) : dealt(std::move(shared)) {}
  std::shared_ptr<const DealtTable> dealt;
};

/// What the shards have merged so far, of all tables. Relaxed: hints, which nothing follows from
/// but how large tables are.
struct MergedGroups {
  std::atomic<std::uint64_t> all{0};
  std::atomic<std::uint64_t> new_ones{0};  // that were not in the shard's table

  void note(const GroupTable::Merged& merged) {
    all.fetch_add(merged.all, std::memory_order_relaxed);
    new_ones.fetch_add(merged.new_ones, std::memory_order_relaxed);
  }
  [[nodiscard]] bool are_mostly_new() const {
    return 2 * new_ones.load(std::memory_order_relaxed) >= all.load(std::memory_order_relaxed);
  }
};

class MergeTables final : public Merger {
 public:
  MergeTables(ShardGroups& groups, std::optional<SystemError>& failure, MergedGroups& merged,
              const ShardPlace& place)
      : groups_(groups),
        failure_(failure),
        merged_(merged),
        order_(place.is_alone ? ShardGroups::Order::kAny : ShardGroups::Order::kByKey) {}
  void take(ParcelPtr parcel) override {
    if (failure_) return;
    const auto merged = groups_.merge(*static_cast<TableParcel&>(*parcel).dealt);
    if (merged.ok()) {
      merged_.note(*merged);
    } else {
      failure_ = merged.error();
    }
  }
  void finish() override {
    if (!failure_) failure_ = groups_.finish(order_);
  }

 private:
  ShardGroups& groups_;
  std::optional<SystemError>& failure_;
  MergedGroups& merged_;
  const ShardGroups::Order order_;
};

}  // namespace gorun::jobs
