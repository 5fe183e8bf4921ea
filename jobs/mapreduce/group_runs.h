// jobs/mapreduce/group_runs.h - groups that did not fit the memory, in sorted runs of a file.
//
// A reducer whose table is full writes its groups, in the order of their keys, as one run and
// begins with an empty table. At the end the runs are merged: the states of one key, of which each
// run has at most one, are put together again.
//
//   run     { key_size state_size ... key state ... }      sizes are 32 bits, one state an
//   aggregate
//
// The file has no name (run_file.h); numbers are in the machine's order.
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
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/least_key.h"
#include "jobs/run_file.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine. Blocks in marked sections.
class GroupRuns {
 public:
  /// kinds         the aggregates of the tables that come.
  /// memory_bytes  for the buffers of all runs together, when they are merged.
  GroupRuns(std::span<const AggregateKind> kinds, std::size_t memory_bytes, std::string directory);
  ~GroupRuns();
  GroupRuns(const GroupRuns&) = delete;
  GroupRuns& operator=(const GroupRuns&) = delete;

  /// Writes all groups of `table`, which is settled and may be changed by this.
  [[nodiscard]] std::optional<SystemError> write(GroupTable& table);
  [[nodiscard]] std::size_t size() const { return runs_.size(); }

  /// After the last write(): goes to the next group in the order of the keys. false: there is none.
  [[nodiscard]] Expected<bool, SystemError> next();
  [[nodiscard]] std::string_view key() const { return key_; }
  void append_result(std::size_t aggregate, std::string* out) const;

 private:
  class Reader;
  [[nodiscard]] int flush();
  [[nodiscard]] int begin_merge();
  [[nodiscard]] int merge_next();

  const std::vector<AggregateKind> kinds_;
  const std::size_t memory_bytes_;
  RunFile file_;
  std::string buffer_;  // of what is written
  std::vector<FileRun> runs_;
  std::vector<Reader> readers_;
  std::optional<LeastKey> least_;                  // of the readers; nothing until they are merged
  std::string key_;                                // of the group at hand
  std::vector<std::unique_ptr<Aggregate>> group_;  // its states, of one group
};

}  // namespace gorun::jobs
