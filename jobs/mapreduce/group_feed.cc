#include "jobs/mapreduce/group_feed.h"

#include <cstring>
#include <utility>

namespace gorun::jobs {
namespace {

using FeedSize = std::size_t;

// Some thousand groups are worth a switch, and so much stays in the caches until it is taken.
constexpr std::size_t kFeedBytes = std::size_t{64} << 10;
constexpr std::size_t kFeedAhead = 2;  // blocks
// So many groups in memory are put out sooner than a goroutine comes to its turn.
constexpr std::size_t kFewGroups = 1024;

FeedSize feed_size_at(const char* sizes, std::size_t index) {
  FeedSize size;
  std::memcpy(&size, sizes + index * sizeof size, sizeof size);
  return size;
}

}  // namespace

GroupFeed::GroupFeed(ShardGroups& groups, std::size_t aggregates)
    : groups_(groups),
      aggregates_(aggregates),
      is_direct_(groups.runs_written() == 0 ? groups.size() <= kFewGroups
                                            : groups.longest_written() > kFeedBytes),
      filled_(kFeedAhead) {
  if (!is_direct_) filling_.go([this] { fill_all(); });
}

GroupFeed::~GroupFeed() {
  filled_.close();
  filling_.wait();
}

void GroupFeed::fill_all() {
  for (bool is_last = false; !is_last;) {
    Filled filled;
    try {
      filled = fill();
    } catch (...) {
      filled.thrown = std::current_exception();
    }
    // Whoever ends this closes the channel.
    is_last = filled.bytes.empty() || filled.failed || filled.thrown;
    if (filled_.send(std::move(filled)) != runtime::ChanStatus::kOk) return;
  }
}

GroupFeed::Filled GroupFeed::fill() {
  Filled filled;
  std::string& bytes = filled.bytes;
  bytes.reserve(kFeedBytes + kFeedBytes / 8);
  while (bytes.size() < kFeedBytes) {
    const auto more = groups_.next();
    if (!more.ok()) filled.failed = more.error();
    if (!more.ok() || !*more) break;
    const std::size_t sizes = bytes.size();
    bytes.append((1 + aggregates_) * sizeof(FeedSize), '\0');
    const auto note_size = [&](std::size_t index, FeedSize size) {
      std::memcpy(bytes.data() + sizes + index * sizeof size, &size, sizeof size);
    };
    bytes += groups_.key();
    note_size(0, groups_.key().size());
    for (std::size_t a = 0; a < aggregates_; ++a) {
      const std::size_t before = bytes.size();
      groups_.append_result(a, &bytes);
      note_size(1 + a, bytes.size() - before);
    }
  }
  return filled;
}

Expected<bool, SystemError> GroupFeed::next() {
  if (is_direct_) {
    auto more = groups_.next();
    if (more.ok() && *more) key_ = groups_.key();
    return more;
  }
  if (take_group()) return true;
  auto filled = filled_.recv();
  if (filled->thrown) std::rethrow_exception(filled->thrown);
  if (filled->failed) return *std::move(filled->failed);
  block_ = std::move(filled->bytes);
  at_ = 0;
  return take_group();
}

bool GroupFeed::take_group() {
  if (at_ == block_.size()) return false;
  sizes_ = block_.data() + at_;
  const std::size_t head = (1 + aggregates_) * sizeof(FeedSize);
  key_ = {sizes_ + head, feed_size_at(sizes_, 0)};
  std::size_t size = head;
  for (std::size_t i = 0; i <= aggregates_; ++i) size += feed_size_at(sizes_, i);
  at_ += size;
  return true;
}

void GroupFeed::append_result(std::size_t aggregate, std::string* out) const {
  if (is_direct_) return groups_.append_result(aggregate, out);
  const char* result = key_.data() + key_.size();
  for (std::size_t a = 0; a < aggregate; ++a) result += feed_size_at(sizes_, 1 + a);
  out->append(result, feed_size_at(sizes_, 1 + aggregate));
}

}  // namespace gorun::jobs
