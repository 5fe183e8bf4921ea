#include "jobs/mapreduce/hashed_runs.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "jobs/mapreduce/group_writer.h"

namespace gorun::jobs {
namespace {

// Some groups for each bucket of a run: fewer cost more for the bucket than for the groups.
constexpr std::size_t kMemoryOfBucket = std::size_t{1} << 10;
constexpr std::size_t kMostBuckets = std::size_t{1} << 14;
using Bucket = std::uint16_t;
static_assert(kMostBuckets - 1 <= std::numeric_limits<Bucket>::max());
// Reads of less cost more for the call than for the bytes; of more, nothing is gained.
constexpr std::size_t kLeastBuffer = std::size_t{4} << 10;
constexpr std::size_t kMostBuffer = std::size_t{64} << 10;
constexpr std::size_t kLeastRuns = 8;
// So many keys are looked up together.
constexpr std::size_t kBatchGroups = 256;

int bucket_bits_for(std::size_t memory_bytes) {
  const std::size_t buckets =
      std::clamp<std::size_t>(memory_bytes / kMemoryOfBucket, 1, kMostBuckets);
  return static_cast<int>(std::bit_width(buckets)) - 1;
}

}  // namespace

HashedRuns::HashedRuns(RunFile& file, std::size_t aggregates, Shards shards,
                       std::size_t memory_bytes)
    : file_(file),
      aggregates_(aggregates),
      shards_(shards),
      memory_bytes_(memory_bytes),
      bucket_bits_(bucket_bits_for(memory_bytes)) {}

bool HashedRuns::is_full() const {
  return runs_.size() >= std::max(memory_bytes_ / std::max(kLeastBuffer, longest_), kLeastRuns);
}

std::optional<SystemError> HashedRuns::write(GroupTable& table) {
  table.end_adding();
  table.group_states();
  // Bucket by bucket; where a table lies in the order of hashes this goes through it once.
  std::vector<std::uint32_t> ends(buckets());
  std::vector<Bucket> bucket_of_id(table.size());
  for (GroupTable::Id id = 0; id < table.size(); ++id) {
    bucket_of_id[id] = static_cast<Bucket>(bucket_of(table.hash(id)));
    ++ends[bucket_of_id[id]];
  }
  std::uint32_t begin = 0;
  for (std::uint32_t& end : ends) end = std::exchange(begin, begin + end);
  std::vector<GroupTable::Id> ids(table.size());
  for (GroupTable::Id id = 0; id < table.size(); ++id) ids[ends[bucket_of_id[id]]++] = id;
  GroupWriter writer(file_, aggregates_);
  if (auto failed = writer.begin()) return failed;
  const GroupTable::Id* id = ids.data();
  for (const std::uint32_t end : ends) {
    const GroupTable::Id* const bucket_end = ids.data() + end;
    const auto count = static_cast<std::uint32_t>(bucket_end - id);
    writer.write(std::string_view(reinterpret_cast<const char*>(&count), sizeof count));
    for (; id != bucket_end; ++id) {
      if (auto failed = writer.write(table, *id)) return failed;
    }
  }
  auto run = writer.end();
  if (!run.ok()) return run.error();
  runs_.push_back(*run);
  longest_ = std::max(longest_, writer.longest());
  return std::nullopt;
}

void HashedRuns::begin_reading() {
  const std::size_t share =
      std::clamp(memory_bytes_ / std::max<std::size_t>(runs_.size(), 1), kLeastBuffer, kMostBuffer);
  readers_.reserve(runs_.size());
  for (const FileRun run : runs_) readers_.emplace_back(file_, run, aggregates_, share);
  bucket_ = 0;
  reader_ = 0;
  left_ = 0;
}

void HashedRuns::end_reading() {
  readers_ = std::vector<GroupReader>();
  runs_ = {};
}

// To the bucket of the next run that has any in it, or of the next bucket. Returns an errno value.
int HashedRuns::go_to_groups() {
  while (left_ == 0) {
    if (reader_ == readers_.size()) {
      reader_ = 0;
      if (++bucket_ == buckets()) return 0;
    }
    if (reader_ == 0) has_begun_bucket_ = true;
    if (const int failed = readers_[reader_].read_bytes(&left_, sizeof left_)) return failed;
    if (left_ == 0) ++reader_;
  }
  return 0;
}

Expected<HashedRuns::Batch, SystemError> HashedRuns::next() {
  if (readers_.empty()) begin_reading();
  if (const int failed = go_to_groups()) return file_.error("read back from", failed);
  if (bucket_ == buckets()) {
    end_reading();
    return Batch{};
  }
  // Groups stay where they are until something is read.
  GroupReader& reader = readers_[reader_];
  if (const int failed = reader.read_next()) return file_.error("read back from", failed);
  batch_.clear();
  do {
    batch_.push_back(reader.take());
    --left_;
  } while (left_ > 0 && batch_.size() < kBatchGroups && reader.has_read_next());
  if (left_ == 0) ++reader_;
  return Batch{batch_, std::exchange(has_begun_bucket_, false)};
}

}  // namespace gorun::jobs
