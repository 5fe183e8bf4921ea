// jobs/mapreduce/group_runs.h - groups that did not fit the memory, in sorted runs of a file.
//
// A reducer whose table is full writes its groups, in the order of their keys, as one run and
// begins with an empty table. At the end the runs are merged: the states of one key, of which each
// run has one or none, or several if nothing was looked up, are put together again. Each run has a
// group in hand then; where all of them would take more than the memory, runs are first merged to
// fewer.
//
//   run     group...         stored_group.h
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/mapreduce/group_reader.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/least_key.h"
#include "jobs/mapreduce/merged_group.h"
#include "jobs/run_file.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine. Blocks in marked sections.
class GroupRuns {
 public:
  /// file          outlives this.
  /// kinds         the aggregates of the tables that come.
  /// memory_bytes  for the buffers of all runs together, when they are merged, and for the values
  ///               of the group at hand.
  /// most_of_list, directory  as for a MergedGroup.
  GroupRuns(RunFile& file, std::span<const AggregateKind> kinds, std::size_t memory_bytes,
            std::size_t most_of_list, std::string directory);
  GroupRuns(const GroupRuns&) = delete;
  GroupRuns& operator=(const GroupRuns&) = delete;

  /// Writes all groups of `table`, which is settled and may be changed by this.
  [[nodiscard]] std::optional<SystemError> write(GroupTable& table);
  [[nodiscard]] std::size_t size() const { return runs_.size(); }
  /// Of all runs.
  [[nodiscard]] std::size_t groups() const { return groups_; }
  /// Of their groups, without the keys.
  [[nodiscard]] std::uint64_t state_bytes() const { return state_bytes_; }
  /// Bytes of the longest of them, or of a part of one.
  [[nodiscard]] std::size_t longest() const { return longest_; }

  /// After the last write(): goes to the next group in the order of the keys. false: there is none.
  [[nodiscard]] Expected<bool, SystemError> next();
  [[nodiscard]] std::string_view key() const { return group_.key(); }
  void append_result(std::size_t aggregate, std::string* out) const {
    group_.append_result(aggregate, out);
  }

 private:
  // A run and its group at hand.
  struct Source {
    GroupReader reader;
    std::optional<StoredGroup> group;  // nothing: at its end
  };

  [[nodiscard]] static int advance(Source& source);
  [[nodiscard]] int open(std::size_t first, std::size_t count);
  [[nodiscard]] int advance_least();
  [[nodiscard]] std::optional<SystemError> merge_to_fewer();
  [[nodiscard]] std::optional<SystemError> begin_merge();
  [[nodiscard]] std::optional<SystemError> merge_next();

  const std::vector<AggregateKind> kinds_;
  const std::size_t memory_bytes_;  // for the buffers
  RunFile& file_;
  std::vector<FileRun> runs_;
  std::size_t groups_ = 0;
  std::uint64_t state_bytes_ = 0;
  std::size_t longest_ = 0;
  std::vector<Source> sources_;
  std::optional<LeastKey> least_;  // of the sources; nothing until they are merged
  MergedGroup group_;              // at hand
};

}  // namespace gorun::jobs
