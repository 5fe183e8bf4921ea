#include "jobs/mapreduce/group_runs.h"

#include <algorithm>
#include <utility>

#include "jobs/mapreduce/group_writer.h"

namespace gorun::jobs {
namespace {

// Reads of less cost more for the call than for the bytes; of more, nothing is gained.
constexpr std::size_t kLeastReadBytes = std::size_t{4} << 10;
constexpr std::size_t kMostReadBytes = std::size_t{256} << 10;

constexpr std::size_t kCacheLineBytes = 64;

}  // namespace

// Half of the memory is for values, if there are any.
GroupRuns::GroupRuns(RunFile& file, std::span<const AggregateKind> kinds, std::size_t memory_bytes,
                     std::size_t most_of_list, std::string directory)
    : kinds_(kinds.begin(), kinds.end()),
      memory_bytes_(std::ranges::all_of(kinds, has_small_states) ? memory_bytes : memory_bytes / 2),
      file_(file),
      group_(kinds, memory_bytes / 2, most_of_list, std::move(directory)) {}

std::optional<SystemError> GroupRuns::write(GroupTable& table) {
  table.end_adding();  // sorting takes less than that
  table.group_states();
  GroupWriter writer(file_, kinds_.size());
  if (auto failed = writer.begin()) return failed;
  std::uint64_t key_bytes = 0;
  for (const GroupTable::Id id : table.sorted_ids()) {
    if (auto failed = writer.write(table, id)) return failed;
    key_bytes += table.key(id).size();
  }
  auto run = writer.end();
  if (!run.ok()) return run.error();
  runs_.push_back(*run);
  groups_ += table.size();
  longest_ = std::max(longest_, writer.longest());
  state_bytes_ += run->end - run->begin - key_bytes;
  return std::nullopt;
}

// Goes to the next group. Returns an errno value.
int GroupRuns::advance(Source& source) {
  source.group.reset();
  if (source.reader.is_at_end()) return 0;
  if (const int failed = source.reader.read_next()) return failed;
  source.group = source.reader.take();
  // It is this one's turn again when many others had theirs.
  __builtin_prefetch(source.reader.here());
  __builtin_prefetch(source.reader.here() + kCacheLineBytes);
  return 0;
}

// Some runs become the sources.
int GroupRuns::open(std::size_t first, std::size_t count) {
  const std::size_t share = memory_bytes_ / std::max<std::size_t>(count, 1);
  const std::size_t buffer = std::clamp(share, kLeastReadBytes, kMostReadBytes);
  least_.emplace(count);
  sources_.clear();
  sources_.reserve(count);  // keys lie in them
  for (std::size_t i = 0; i < count; ++i) {
    sources_.push_back({GroupReader(file_, runs_[first + i], kinds_.size(), buffer), std::nullopt});
    if (const int failed = advance(sources_.back())) return failed;
    if (sources_.back().group) least_->set(i, sources_.back().group->key());
  }
  least_->begin();
  return 0;
}

// Goes to the next group of the source that has the least key.
int GroupRuns::advance_least() {
  Source& source = sources_[least_->least()];
  if (const int failed = advance(source)) return failed;
  if (source.group) {
    least_->replace(source.group->key());
  } else {
    least_->end();
  }
  return 0;
}

// Groups of one key come to lie side by side; they are put together in the end.
std::optional<SystemError> GroupRuns::merge_to_fewer() {
  const std::size_t at_once =
      std::max<std::size_t>(memory_bytes_ / std::max(kLeastReadBytes, longest_), 2);
  while (runs_.size() > at_once) {
    std::vector<FileRun> fewer;
    for (std::size_t first = 0; first < runs_.size(); first += at_once) {
      int failed = open(first, std::min(at_once, runs_.size() - first));
      GroupWriter writer(file_, kinds_.size());
      if (auto wrong = writer.begin()) return wrong;
      while (failed == 0 && !least_->is_at_end()) {
        if (auto wrong = writer.write(*sources_[least_->least()].group)) return wrong;
        failed = advance_least();
      }
      if (failed != 0) return file_.error("read back from", failed);
      auto run = writer.end();
      if (!run.ok()) return run.error();
      fewer.push_back(*run);
    }
    runs_ = std::move(fewer);
  }
  return std::nullopt;
}

std::optional<SystemError> GroupRuns::begin_merge() {
  if (auto failed = merge_to_fewer()) return failed;
  if (const int failed = open(0, runs_.size())) return file_.error("read back from", failed);
  return std::nullopt;
}

// Puts together all that the runs have of the least key.
std::optional<SystemError> GroupRuns::merge_next() {
  const std::uint64_t leading = least_->leading();
  group_.begin(least_->key());
  do {
    std::optional<SystemError> wrong;
    sources_[least_->least()].group->for_each_state(
        kinds_.size(), [this, &wrong](std::size_t a, std::string_view state) {
          if (!wrong) wrong = group_.merge_state(a, state);
        });
    if (wrong) return wrong;
    if (const int failed = advance_least()) return file_.error("read back from", failed);
  } while (least_->is(group_.key(), leading));
  return group_.finish();
}

Expected<bool, SystemError> GroupRuns::next() {
  if (!least_) {
    if (auto failed = begin_merge()) return *std::move(failed);
  }
  if (least_->is_at_end()) return false;
  if (auto failed = merge_next()) return *std::move(failed);
  return true;
}

}  // namespace gorun::jobs
