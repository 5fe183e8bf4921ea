// jobs/mapreduce/group_feed.h - the groups of one shard, in order, made ready by a goroutine of
// their own.
//
// Where the groups of all shards are put out in the order of their keys, one goroutine puts them
// out. What comes before that (merging a shard's runs, or finding its groups all over the memory,
// and writing down their results) takes longer, and each shard does it for itself: it fills blocks
// of some thousand groups, a few ahead of who takes them. Few groups are not worth a goroutine, and
// of long ones none is held beside those that the runs have in hand.
//
//   block   { key_size result_size ... key result ... }     one result an aggregate
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/expected.h"
#include "jobs/mapreduce/shard_groups.h"
#include "jobs/system_error.h"
#include "runtime/chan.h"
#include "runtime/wait_group.h"

namespace gorun::jobs {

/// threads  the goroutine that made it, which may park in any call.
class GroupFeed {
 public:
  /// groups      finished; nobody else asks them for anything before the end of this.
  /// aggregates  of each group.
  GroupFeed(ShardGroups& groups, std::size_t aggregates);
  /// Waits for the goroutine, which is told that no more is wanted.
  ~GroupFeed();
  GroupFeed(const GroupFeed&) = delete;
  GroupFeed& operator=(const GroupFeed&) = delete;

  /// Goes to the next group. false: there is none. errors  also what was thrown on the way.
  [[nodiscard]] Expected<bool, SystemError> next();
  [[nodiscard]] std::string_view key() const { return key_; }
  void append_result(std::size_t aggregate, std::string* out) const;

 private:
  // The last one is empty, or has why there are no more.
  struct Filled {
    std::string bytes;
    std::optional<SystemError> failed;
    std::exception_ptr thrown;
  };

  void fill_all();
  Filled fill();
  bool take_group();

  ShardGroups& groups_;
  const std::size_t aggregates_;
  const bool is_direct_;
  runtime::Chan<Filled> filled_;
  runtime::WaitGroup filling_;
  std::string block_;            // that is being taken from
  std::size_t at_ = 0;           // in it: of the next group
  const char* sizes_ = nullptr;  // of the group at hand
  std::string_view key_;
};

}  // namespace gorun::jobs
