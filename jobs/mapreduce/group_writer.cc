#include "jobs/mapreduce/group_writer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace gorun::jobs {
namespace {

constexpr std::size_t kWrittenAtOnce = std::size_t{256} << 10;

}  // namespace

std::optional<SystemError> GroupWriter::begin() {
  if (auto failed = file_.open()) return failed;
  begin_ = file_.size();
  return std::nullopt;
}

std::optional<SystemError> GroupWriter::write(const GroupTable& table, GroupTable::Id id) {
  progress_.has_begun = false;
  progress_.from.clear();
  do {
    const std::size_t before = buffer_.size();
    if (!StoredGroup::append(table, id, aggregates_, &progress_, &buffer_)) {
      return file_.error("aggregate in", EFBIG);
    }
    longest_ = std::max(longest_, buffer_.size() - before);
    if (buffer_.size() < kWrittenAtOnce) continue;
    if (auto failed = flush()) return failed;
  } while (!progress_.is_done());
  return std::nullopt;
}

std::optional<SystemError> GroupWriter::write(const StoredGroup& group) {
  buffer_ += group.bytes(aggregates_);
  return buffer_.size() < kWrittenAtOnce ? std::nullopt : flush();
}

Expected<FileRun, SystemError> GroupWriter::end() {
  if (auto failed = flush()) return *std::move(failed);
  buffer_ = {};
  return FileRun{begin_, file_.size()};
}

std::optional<SystemError> GroupWriter::flush() {
  const int failed = file_.append(buffer_);
  buffer_.clear();
  if (failed != 0) return file_.error("write below", failed);
  return std::nullopt;
}

}  // namespace gorun::jobs
