// jobs/mapreduce/group_writer.h - writes groups to a file, as one run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/expected.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/stored_group.h"
#include "jobs/run_file.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine. Blocks in marked sections.
class GroupWriter {
 public:
  /// file  nobody else appends to it before end().
  GroupWriter(RunFile& file, std::size_t aggregates) : file_(file), aggregates_(aggregates) {}

  [[nodiscard]] std::optional<SystemError> begin();
  /// Of a settled table, whose states are grouped.
  [[nodiscard]] std::optional<SystemError> write(const GroupTable& table, GroupTable::Id id);
  /// One that another run holds.
  [[nodiscard]] std::optional<SystemError> write(const StoredGroup& group);
  /// Bytes between groups.
  void write(std::string_view bytes) { buffer_ += bytes; }
  /// What has been written since begin().
  [[nodiscard]] Expected<FileRun, SystemError> end();
  /// Bytes of the longest group, or of a part of one.
  [[nodiscard]] std::size_t longest() const { return longest_; }

 private:
  [[nodiscard]] std::optional<SystemError> flush();

  RunFile& file_;
  const std::size_t aggregates_;
  std::uint64_t begin_ = 0;
  std::string buffer_;
  StoredGroup::Progress progress_;  // of the group at hand
  std::size_t longest_ = 0;
};

}  // namespace gorun::jobs
