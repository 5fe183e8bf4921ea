#include "jobs/mapreduce/group_runs.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace gorun::jobs {
namespace {

constexpr std::size_t kSpillBytes = std::size_t{256} << 10;
// Reads of less cost more for the call than for the bytes; of more, nothing is gained.
constexpr std::size_t kLeastReadBytes = std::size_t{4} << 10;
constexpr std::size_t kMostReadBytes = std::size_t{256} << 10;

constexpr std::size_t kCacheLineBytes = 64;

using Size = std::uint32_t;

void append_size(std::size_t size, std::string* out) {
  const auto narrow = static_cast<Size>(size);
  out->append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
}

Size size_at(const char* from, std::size_t index) {
  Size size = 0;
  std::memcpy(&size, from + index * sizeof size, sizeof size);
  return size;
}

}  // namespace

// The groups of one run.
class GroupRuns::Reader {
 public:
  Reader(const GroupRuns& runs, FileRun run, std::size_t buffer_bytes)
      : sizes_(1 + runs.kinds_.size()), reader_(runs.file_, run, buffer_bytes) {}

  // Goes to the next group; has_group() says whether there is one. Returns an errno value.
  int advance() {
    reader_.pass(size_);
    size_ = 0;
    if (reader_.is_at_end()) return 0;
    if (const int failed = reader_.need(head_bytes())) return failed;
    std::size_t size = head_bytes();
    for (std::size_t i = 0; i < sizes_; ++i) size += size_at(reader_.here(), i);
    if (const int failed = reader_.need(size)) return failed;
    size_ = size;
    // It is this reader's turn again when many others had theirs.
    __builtin_prefetch(reader_.here() + size);
    __builtin_prefetch(reader_.here() + size + kCacheLineBytes);
    return 0;
  }
  [[nodiscard]] bool has_group() const { return size_ > 0; }
  [[nodiscard]] std::string_view key() const {
    return {reader_.here() + head_bytes(), size_at(reader_.here(), 0)};
  }
  void merge_into(std::span<const std::unique_ptr<Aggregate>> group) const {
    const char* head = reader_.here();
    const char* state = head + head_bytes() + size_at(head, 0);
    for (std::size_t a = 0; a < group.size(); ++a) {
      const Size size = size_at(head, a + 1);
      group[a]->merge_state(0, {state, size});
      state += size;
    }
  }

 private:
  [[nodiscard]] std::size_t head_bytes() const { return sizes_ * sizeof(Size); }

  const std::size_t sizes_;  // in front of a group: of its key and of its states
  RunReader reader_;
  std::size_t size_ = 0;  // of the group at hand; 0: none is
};

GroupRuns::GroupRuns(std::span<const AggregateKind> kinds, std::size_t memory_bytes,
                     std::string directory)
    : kinds_(kinds.begin(), kinds.end()),
      memory_bytes_(memory_bytes),
      file_(std::move(directory)) {}

GroupRuns::~GroupRuns() = default;

int GroupRuns::flush() {
  const int failed = file_.append(buffer_);
  buffer_.clear();
  return failed;
}

std::optional<SystemError> GroupRuns::write(GroupTable& table) {
  if (auto failed = file_.open()) return failed;
  const std::uint64_t begin = file_.size();
  std::string states;
  table.end_adding();  // sorting takes less than that
  table.group_states();
  for (const GroupTable::Id id : table.sorted_ids()) {
    states.clear();
    append_size(table.key(id).size(), &buffer_);
    for (std::size_t a = 0; a < kinds_.size(); ++a) {
      const std::size_t before = states.size();
      table.append_state(id, a, &states);
      if (states.size() - before > std::numeric_limits<Size>::max()) {
        return file_.error("aggregate in", EFBIG);
      }
      append_size(states.size() - before, &buffer_);
    }
    buffer_ += table.key(id);
    buffer_ += states;
    if (buffer_.size() < kSpillBytes) continue;
    if (const int failed = flush()) return file_.error("write below", failed);
  }
  if (const int failed = flush()) return file_.error("write below", failed);
  runs_.push_back({begin, file_.size()});
  return std::nullopt;
}

int GroupRuns::begin_merge() {
  buffer_ = {};
  const std::size_t share = memory_bytes_ / std::max<std::size_t>(runs_.size(), 1);
  least_.emplace(runs_.size());
  readers_.reserve(runs_.size());  // keys lie in them
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    readers_.emplace_back(*this, runs_[i], std::clamp(share, kLeastReadBytes, kMostReadBytes));
    if (const int failed = readers_.back().advance()) return failed;
    if (readers_.back().has_group()) least_->set(i, readers_.back().key());
  }
  least_->begin();
  for (const AggregateKind kind : kinds_) group_.push_back(Aggregate::make(kind));
  return 0;
}

// Puts together all that the runs have of the least key.
int GroupRuns::merge_next() {
  key_ = least_->key();
  const std::uint64_t leading = least_->leading();
  for (const auto& aggregate : group_) aggregate->begin_one();
  do {
    Reader& reader = readers_[least_->least()];
    reader.merge_into(group_);
    if (const int failed = reader.advance()) return failed;
    if (reader.has_group()) {
      least_->replace(reader.key());
    } else {
      least_->end();
    }
  } while (least_->is(key_, leading));
  for (const auto& aggregate : group_) aggregate->finish();
  return 0;
}

Expected<bool, SystemError> GroupRuns::next() {
  if (!least_) {
    if (const int failed = begin_merge()) return file_.error("read back from", failed);
  }
  if (least_->is_at_end()) return false;
  if (const int failed = merge_next()) return file_.error("read back from", failed);
  return true;
}

void GroupRuns::append_result(std::size_t aggregate, std::string* out) const {
  group_[aggregate]->append_result(0, ",", out);
}

}  // namespace gorun::jobs
