#include "jobs/sort/sorted_runs.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <queue>
#include <span>
#include <utility>

namespace gorun::jobs {
namespace {

constexpr std::size_t kMemoryBlock = 4 * kHugePageBytes;
// Some thousand items of usual size, or a millisecond: enough to be given away, and little enough
// to be in the caches still.
constexpr std::size_t kGroupBytes = std::size_t{512} << 10;
constexpr std::size_t kGroupsOfBlock = 16;

}  // namespace

// Appends records to the file through a buffer.
class SortedRuns::Writer {
 public:
  explicit Writer(SortedRuns& runs) : runs_(runs), begin_(runs.file_.size()) {
    buffer_.reserve(runs.limits_.buffer_bytes);
  }
  int append(RecordRef record) {
    const std::size_t size = size_of_record(record);
    runs_.longest_ = std::max(runs_.longest_, size);
    if (buffer_.size() + size > runs_.limits_.buffer_bytes) {
      if (const int failed = flush()) return failed;
    }
    append_record(record, &buffer_);
    return 0;
  }
  int flush() {
    const int failed = runs_.file_.append(buffer_);
    buffer_.clear();
    return failed;
  }
  [[nodiscard]] FileRun run() const { return {begin_, runs_.file_.size()}; }

 private:
  SortedRuns& runs_;
  const std::uint64_t begin_;
  std::string buffer_;
};

// The records of one run.
class SortedRuns::Reader {
 public:
  Reader(const SortedRuns& runs, FileRun run)
      : reader_(runs.file_, run, runs.limits_.buffer_bytes) {}

  // The next record into record(), nullptr at the end; returns an errno value.
  int advance() {
    reader_.pass(record_ == nullptr ? 0 : size_of_record(record_));
    record_ = nullptr;
    if (reader_.is_at_end()) return 0;
    if (const int failed = reader_.need(kRecordSizeBytes)) return failed;
    if (const int failed = reader_.need(size_of_record(reader_.here()))) return failed;
    record_ = reader_.here();
    return 0;
  }
  [[nodiscard]] const char* record() const { return record_; }

 private:
  RunReader reader_;
  const char* record_ = nullptr;
};

SortedRuns::Limits SortedRuns::limits_for(std::size_t bytes) {
  constexpr std::size_t kLeastBuffer = std::size_t{4} << 10;
  Limits limits{.memory_bytes = bytes};
  const std::size_t buffers = bytes / 8;
  limits.buffer_bytes =
      std::clamp(buffers / limits.merged_at_once, kLeastBuffer, limits.buffer_bytes);
  limits.merged_at_once =
      std::clamp<std::size_t>(buffers / limits.buffer_bytes, 2, limits.merged_at_once);
  limits.memory_bytes -= std::min(bytes, limits.merged_at_once * limits.buffer_bytes);
  return limits;
}

SortedRuns::SortedRuns(const SortOrder& order, Limits limits, std::string directory,
                       std::function<bool()> is_stopped)
    : order_(order),
      limits_(limits),
      is_stopped_(std::move(is_stopped)),
      file_(std::move(directory)) {}

SortedRuns::~SortedRuns() = default;

std::size_t SortedRuns::usual_block() const {
  return std::min(kMemoryBlock, limits_.memory_bytes / 8);
}

char* SortedRuns::allocate(std::size_t size) {
  if (size > left_) {
    if (size <= usual_block() && !spare_.empty()) {
      blocks_.push_back(std::move(spare_.back()));
      spare_.pop_back();
    } else {
      const std::size_t bytes = std::max(size, usual_block());
      blocks_.push_back({make_large_array<char>(bytes), bytes});
    }
    free_ = blocks_.back().memory.get();
    left_ = blocks_.back().size;
    bytes_ += left_;
  }
  left_ -= size;
  return std::exchange(free_, free_ + size);
}

std::size_t SortedRuns::group_bytes() const {
  return std::min(kGroupBytes, usual_block() / kGroupsOfBlock);
}

std::optional<SystemError> SortedRuns::add(const Item& item, std::string_view key) {
  const std::size_t size = record_size(item);
  if (size == 0) return too_large();
  const Place place = reserve(size, 1);
  write_record(item, key, size, place.records);
  place.entries.front() = {prefix(key), place.records};
  return is_full() ? spill() : std::nullopt;
}

SortedRuns::Place SortedRuns::reserve(const Batch& batch, std::size_t bytes, std::size_t count) {
  if (!runs_.empty() || !batch.lies_elsewhere(&owners_)) return reserve(bytes, count);
  kept_.keep_all(batch);
  kept_bytes_ += bytes;
  return {entries_.append(count), nullptr};
}

std::optional<SystemError> SortedRuns::wrong_with_kept() const {
  for (OthersBytes* const owner : owners_) {
    if (auto wrong = owner->wrong()) return wrong;
  }
  return std::nullopt;
}

// With what sorting takes.
std::size_t SortedRuns::memory_needed() const {
  return bytes_ + kept_bytes_ + entries_.bytes() +
         entries_.size() * (sizeof(SortEntry) + kSortBytesPerEntry);
}

bool SortedRuns::precedes(const SortEntry& a, const SortEntry& b) const {
  if (a.prefix != b.prefix) return a.prefix < b.prefix;
  return order_.compare(key_of_record(a.record), key_of_record(b.record)) < 0;
}

void SortedRuns::sort() {
  const LargeArray<SortEntry> scratch = make_large_array<SortEntry>(entries_.size());
  sort_entries(entries_.all(), std::span(scratch.get(), entries_.size()), order_);
}

// Asks once for each buffer of bytes.
bool SortedRuns::is_stopped_after(std::size_t bytes) {
  unasked_bytes_ += bytes;
  if (unasked_bytes_ < limits_.buffer_bytes) return false;
  unasked_bytes_ = 0;
  return is_stopped_();
}

std::optional<SystemError> SortedRuns::spill() {
  if (auto failed = file_.open()) return failed;
  sort();
  Writer writer(*this);
  int failed = 0;
  for (std::size_t i = 0; i < entries_.size() && failed == 0; ++i) {
    const RecordRef record = record_at(i);
    failed = writer.append(record);
    if (is_stopped_after(size_of_record(record))) failed = ECANCELED;
  }
  if (failed == 0) failed = writer.flush();
  if (failed != 0) return file_.error("write below", failed);
  if (auto wrong = wrong_with_kept()) return wrong;
  runs_.push_back(writer.run());
  ++runs_written_;
  entries_.clear();
  // One for a large record would take the place of many.
  std::erase_if(blocks_, [this](const Block& block) { return block.size > usual_block(); });
  std::ranges::move(blocks_, std::back_inserter(spare_));
  blocks_.clear();
  left_ = bytes_ = 0;
  free_ = nullptr;
  owners_.clear();
  kept_ = {};
  kept_bytes_ = 0;
  return std::nullopt;
}

RecordRef SortedRuns::record_at(std::size_t entry) const {
  prefetch_ahead(entries_.all(), entry);
  return entries_[entry].record;
}

std::optional<std::span<const SortEntry>> SortedRuns::sort_in_memory() {
  if (!runs_.empty()) return std::nullopt;
  sort();
  return entries_.all();
}

// The runs whose records in hand fit so much memory.
std::size_t SortedRuns::merged_at_once(std::size_t memory) const {
  return std::clamp<std::size_t>(memory / std::max(limits_.buffer_bytes, longest_), 2,
                                 std::max<std::size_t>(limits_.merged_at_once, 2));
}

std::optional<SystemError> SortedRuns::for_each(const std::function<Flow(RecordRef record)>& take) {
  sort();
  spare_.clear();
  if (runs_.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const RecordRef record = record_at(i);
      if (is_stopped_after(size_of_record(record))) return file_.error("sort in", ECANCELED);
      if (take(record) == Flow::kStop) break;
    }
    return wrong_with_kept();
  }
  const std::size_t set_aside = limits_.merged_at_once * limits_.buffer_bytes;
  std::size_t at_once = merged_at_once(set_aside);
  if (runs_.size() > at_once && longest_ > limits_.buffer_bytes) {
    if (auto failed = spill()) return failed;
    spare_.clear();
    at_once = merged_at_once(set_aside + limits_.memory_bytes);
  }
  // Neighbours are merged, so that the runs stay in the order of what they hold.
  while (runs_.size() > at_once) {
    std::vector<FileRun> fewer;
    for (std::size_t first = 0; first < runs_.size(); first += at_once) {
      const std::size_t count = std::min(at_once, runs_.size() - first);
      Writer writer(*this);
      int failed = 0;
      auto wrong = merge(first, count, false, [&](RecordRef record) {
        failed = writer.append(record);
        return failed == 0 ? Flow::kMore : Flow::kStop;
      });
      if (wrong) return wrong;
      if (failed == 0) failed = writer.flush();
      if (failed != 0) return file_.error("write below", failed);
      fewer.push_back(writer.run());
    }
    runs_ = std::move(fewer);
  }
  return merge(0, runs_.size(), true, take);
}

std::optional<SystemError> SortedRuns::merge(std::size_t first, std::size_t count, bool with_memory,
                                             const std::function<Flow(RecordRef record)>& take) {
  struct Head {
    SortEntry entry;
    std::size_t source;  // `count`: the memory
  };
  // Equal heads go by source: what is still in memory came last.
  const auto comes_later = [this](const Head& a, const Head& b) {
    if (precedes(b.entry, a.entry)) return true;
    return !precedes(a.entry, b.entry) && a.source > b.source;
  };
  std::priority_queue<Head, std::vector<Head>, decltype(comes_later)> heads(comes_later);
  std::vector<Reader> readers;
  for (std::size_t i = 0; i < count; ++i) readers.emplace_back(*this, runs_[first + i]);
  std::size_t next = 0;  // of the memory
  const auto push_next = [&](std::size_t source) {
    if (source == count) {
      if (with_memory && next < entries_.size()) {
        const RecordRef record = record_at(next);
        heads.push({{entries_[next++].prefix, record}, source});
      }
      return 0;
    }
    const int failed = readers[source].advance();
    const char* record = readers[source].record();
    if (failed == 0 && record != nullptr) {
      heads.push({{order_.prefix(key_of_record(record)), record}, source});
    }
    return failed;
  };
  for (std::size_t source = 0; source <= count; ++source) {
    if (const int failed = push_next(source)) return file_.error("read back from", failed);
  }
  while (!heads.empty()) {
    const Head head = heads.top();
    heads.pop();
    if (is_stopped_after(size_of_record(head.entry.record))) {
      return file_.error("merge below", ECANCELED);
    }
    if (take(head.entry.record) == Flow::kStop) return wrong_with_kept();
    if (const int failed = push_next(head.source)) return file_.error("read back from", failed);
  }
  return wrong_with_kept();
}

}  // namespace gorun::jobs
