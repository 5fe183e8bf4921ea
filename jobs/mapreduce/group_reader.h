// jobs/mapreduce/group_reader.h - reads the groups of one run (stored_group.h).
#pragma once

#include <cstddef>

#include "jobs/mapreduce/stored_group.h"
#include "jobs/run_file.h"

namespace gorun::jobs {

/// threads  one at a time, on a goroutine. Blocks in marked sections. The RunFile must outlive it.
class GroupReader {
 public:
  GroupReader(const RunFile& file, FileRun run, std::size_t aggregates, std::size_t buffer_bytes)
      : aggregates_(aggregates), reader_(file, run, buffer_bytes) {}

  [[nodiscard]] bool is_at_end() const { return reader_.is_at_end(); }
  /// Whether the next group is there without a read.
  [[nodiscard]] bool has_read_next() const {
    const std::string_view rest = reader_.available();
    return StoredGroup::size(rest, aggregates_) <= rest.size();
  }
  /// Sees to it that it is. What take() returned is of no use afterwards. Returns an errno value.
  [[nodiscard]] int read_next() {
    for (std::size_t needed = 1 + aggregates_;;) {
      if (const int failed = reader_.need(needed)) return failed;
      needed = StoredGroup::size(reader_.available(), aggregates_);
      if (needed <= reader_.available().size()) return 0;
    }
  }
  /// Takes the next group, which is there.
  StoredGroup take() {
    const char* const here = reader_.here();
    reader_.pass(StoredGroup::size(reader_.available(), aggregates_));
    return {here, aggregates_};
  }
  /// What comes, to be fetched: it is this reader's turn again when many others had theirs.
  [[nodiscard]] const char* here() const { return reader_.here(); }
  /// Reads what was written between groups. Returns an errno value.
  [[nodiscard]] int read_bytes(void* to, std::size_t size) {
    if (const int failed = reader_.need(size)) return failed;
    std::memcpy(to, reader_.here(), size);
    reader_.pass(size);
    return 0;
  }

 private:
  std::size_t aggregates_;
  RunReader reader_;
};

}  // namespace gorun::jobs
