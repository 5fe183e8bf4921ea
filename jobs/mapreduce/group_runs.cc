#include "jobs/mapreduce/group_runs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{256} << 10;
// Reads of less cost more for the call than for the bytes; of more, nothing is gained.
constexpr std::size_t kLeastReadBytes = std::size_t{4} << 10;
constexpr std::size_t kMostReadBytes = std::size_t{256} << 10;

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

// All of it; returns an errno value, 0 for none. A file that ends early: EIO.
template <class Call>
int transfer_all(Call call, std::uint64_t at, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t moved = call(done, size - done, static_cast<off_t>(at + done));
    if (moved > 0) {
      done += static_cast<std::size_t>(moved);
    } else if (moved == 0 || errno != EINTR) {
      return moved == 0 ? EIO : errno;
    }
  }
  return 0;
}

}  // namespace

// The groups of one run.
class GroupRuns::Reader {
 public:
  Reader(const GroupRuns& runs, Run run, std::size_t buffer_bytes)
      : runs_(runs), next_(run.begin), end_(run.end), buffer_bytes_(buffer_bytes) {}

  // Goes to the next group; has_group() says whether there is one. Returns an errno value.
  int advance() {
    at_ += size_;
    size_ = 0;
    if (at_ == buffer_.size() && next_ == end_) return 0;
    const std::size_t head = (1 + runs_.kinds_.size()) * sizeof(Size);
    if (const int failed = fill(head)) return failed;
    std::size_t size = head;
    for (std::size_t i = 0; i <= runs_.kinds_.size(); ++i) size += size_at(buffer_.data() + at_, i);
    if (const int failed = fill(size)) return failed;
    size_ = size;
    return 0;
  }
  [[nodiscard]] bool has_group() const { return size_ > 0; }
  [[nodiscard]] std::string_view key() const {
    return {buffer_.data() + at_ + head_bytes(), size_at(buffer_.data() + at_, 0)};
  }
  void merge_into(std::span<const std::unique_ptr<Aggregate>> group) const {
    const char* head = buffer_.data() + at_;
    const char* state = head + head_bytes() + size_at(head, 0);
    for (std::size_t a = 0; a < group.size(); ++a) {
      const Size size = size_at(head, a + 1);
      group[a]->merge_state(0, {state, size});
      state += size;
    }
  }

 private:
  [[nodiscard]] std::size_t head_bytes() const { return (1 + runs_.kinds_.size()) * sizeof(Size); }

  // Sees to it that `size` bytes lie behind at_.
  int fill(std::size_t size) {
    if (buffer_.size() - at_ >= size) return 0;
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t had = buffer_.size();
    const auto wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max(size, buffer_bytes_) - had, end_ - next_));
    if (had + wanted < size) return EIO;
    buffer_.resize(had + wanted);
    const int failed = runtime::blocking(runtime::Blocking::kBrief, [&] {
      return transfer_all(
          [&](std::size_t done, std::size_t rest, off_t at) {
            return ::pread(runs_.file_.get(), buffer_.data() + had + done, rest, at);
          },
          next_, wanted);
    });
    next_ += wanted;
    return failed;
  }

  const GroupRuns& runs_;
  std::uint64_t next_;  // of the file, to be read
  const std::uint64_t end_;
  const std::size_t buffer_bytes_;
  std::string buffer_;
  std::size_t at_ = 0;    // of the group at hand
  std::size_t size_ = 0;  // 0: none is at hand
};

GroupRuns::GroupRuns(std::span<const AggregateKind> kinds, std::size_t memory_bytes,
                     std::string directory)
    : kinds_(kinds.begin(), kinds.end()),
      memory_bytes_(memory_bytes),
      directory_(std::move(directory)) {}

GroupRuns::~GroupRuns() = default;

SystemError GroupRuns::error(std::string_view call, int number) const {
  return {call, number, directory_};
}

std::optional<SystemError> GroupRuns::open() {
  if (file_.is_open()) return std::nullopt;
  int number = 0;
  file_ = runtime::blocking(runtime::Blocking::kBrief, [this, &number] {
    std::string name = directory_ + "/gorun-reduce-XXXXXX";
    FileDescriptor file(::mkostemp(name.data(), O_CLOEXEC));
    number = errno;
    if (file.is_open()) ::unlink(name.c_str());
    return file;
  });
  if (!file_.is_open()) return error("write below", number);
  return std::nullopt;
}

int GroupRuns::flush() {
  const int failed = runtime::blocking(runtime::Blocking::kBrief, [this] {
    return transfer_all(
        [this](std::size_t done, std::size_t size, off_t at) {
          return ::pwrite(file_.get(), buffer_.data() + done, size, at);
        },
        file_end_, buffer_.size());
  });
  file_end_ += buffer_.size();
  buffer_.clear();
  return failed;
}

std::optional<SystemError> GroupRuns::write(GroupTable& table) {
  if (auto failed = open()) return failed;
  const std::uint64_t begin = file_end_;
  std::string states;
  table.group_states();
  for (const GroupTable::Id id : table.sorted_ids()) {
    states.clear();
    append_size(table.key(id).size(), &buffer_);
    for (std::size_t a = 0; a < kinds_.size(); ++a) {
      const std::size_t before = states.size();
      table.append_state(id, a, &states);
      if (states.size() - before > std::numeric_limits<Size>::max()) {
        return error("aggregate in", EFBIG);
      }
      append_size(states.size() - before, &buffer_);
    }
    buffer_ += table.key(id);
    buffer_ += states;
    if (buffer_.size() < kWriteBytes) continue;
    if (const int failed = flush()) return error("write below", failed);
  }
  if (const int failed = flush()) return error("write below", failed);
  runs_.push_back({begin, file_end_});
  return std::nullopt;
}

int GroupRuns::begin_merge() {
  is_merging_ = true;
  buffer_ = {};
  const std::size_t share = memory_bytes_ / std::max<std::size_t>(runs_.size(), 1);
  for (const Run& run : runs_) {
    readers_.push_back(
        std::make_unique<Reader>(*this, run, std::clamp(share, kLeastReadBytes, kMostReadBytes)));
    if (const int failed = advance(readers_.size() - 1)) return failed;
  }
  return 0;
}

// Puts a reader that has another group into the heap.
int GroupRuns::advance(std::size_t reader) {
  if (const int failed = readers_[reader]->advance()) return failed;
  if (!readers_[reader]->has_group()) return 0;
  heap_.push_back(reader);
  std::ranges::push_heap(heap_, [this](std::size_t a, std::size_t b) {
    return readers_[a]->key() > readers_[b]->key();
  });
  return 0;
}

Expected<bool, SystemError> GroupRuns::next() {
  if (!is_merging_) {
    if (const int failed = begin_merge()) return error("read back from", failed);
  }
  if (heap_.empty()) return false;
  key_ = readers_[heap_.front()]->key();
  group_.clear();
  for (const AggregateKind kind : kinds_) {
    group_.push_back(Aggregate::make(kind));
    group_.back()->resize(1);
  }
  while (!heap_.empty() && readers_[heap_.front()]->key() == key_) {
    std::ranges::pop_heap(heap_, [this](std::size_t a, std::size_t b) {
      return readers_[a]->key() > readers_[b]->key();
    });
    const std::size_t reader = heap_.back();
    heap_.pop_back();
    readers_[reader]->merge_into(group_);
    if (const int failed = advance(reader)) return error("read back from", failed);
  }
  for (const auto& aggregate : group_) aggregate->finish();
  return true;
}

void GroupRuns::append_result(std::size_t aggregate, std::string* out) const {
  group_[aggregate]->append_result(0, ",", out);
}

}  // namespace gorun::jobs
