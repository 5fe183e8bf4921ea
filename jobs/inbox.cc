#include "jobs/inbox.h"

#include <algorithm>
#include <utility>

namespace gorun::jobs {
namespace {

constexpr std::size_t kSmall = 4;  // batches: fewer are not worth waiting for

}  // namespace

Inbox::Inbox(const Shape& shape, std::atomic<std::uint64_t>* queued_items)
    : shape_(shape),
      refill_at_(shape.capacity < kSmall ? shape.capacity : shape.capacity / 2),
      chan_(shape.capacity),
      open_(static_cast<std::int64_t>(shape.producers)),
      queued_items_(queued_items),
      gauge_(shape.capacity, shape.bytes) {}

void Inbox::set_label(const std::string& stage) {
  chan_.set_label(stage);
  room_.set_label("room of " + stage);
  if (runtime::trace::is_on()) waiting_.emplace("items waiting for " + stage);
}

std::size_t Inbox::part_size(std::size_t items) const {
  if (!shape_.shares_evenly) return shape_.batch_items;
  const auto readers = static_cast<std::size_t>(shape_.readers);
  return std::clamp<std::size_t>(items / (2 * readers), 1, shape_.batch_items);
}

Flow Inbox::put(Batch&& batch, PutWatcher* watcher) {
  const std::size_t part = part_size(batch.size());
  if (batch.size() <= part) return put_part(std::move(batch), watcher);
  for (std::size_t begin = 0; begin < batch.size(); begin += part) {
    Batch slice = batch.slice(begin, std::min(part, batch.size() - begin));
    if (put_part(std::move(slice), watcher) == Flow::kStop) return Flow::kStop;
  }
  return Flow::kMore;
}

bool Inbox::has_room() const {
  return chan_.size() < chan_.capacity() &&
         queued_bytes_.load(std::memory_order_relaxed) < shape_.bytes;
}

bool Inbox::has_drained() const {
  return chan_.size() <= refill_at_ && queued_bytes_.load(std::memory_order_acquire) < shape_.bytes;
}

void Inbox::wait_for_room(PutWatcher* watcher) {
  if (has_room()) return;
  if (watcher != nullptr) watcher->put_parks();
  waiting_for_room_.fetch_add(1, std::memory_order_relaxed);
  // Pairs with the one in count_out(): who waits sees the room, or who makes it sees who waits.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  bool waited = false;
  // Closed: the send that follows says so.
  while (!has_drained() && room_.recv()) waited = true;
  waiting_for_room_.fetch_sub(1, std::memory_order_relaxed);
  // There may be room for another producer that waits: pass the token on (I3).
  if (waited) room_.try_send(runtime::Unit{});
  if (watcher != nullptr) watcher->put_goes_on();
}

// The send parks only when another producer took the room that there was.
Flow Inbox::put_part(Batch&& part, PutWatcher* watcher) {
  wait_for_room(watcher);
  const std::uint64_t items = part.count();
  const std::uint64_t bytes = part.bytes();
  Waiting waiting{std::move(part), bytes};
  // Counted before the send: a reader may take and discount the batch before send returns.
  count_in(items, bytes);
  if (shape_.comes_back) open_.fetch_add(1, std::memory_order_relaxed);
  if (chan_.send(std::move(waiting)) == runtime::ChanStatus::kOk) {
    is_put();
    return Flow::kMore;
  }
  // NOLINTNEXTLINE(bugprone-use-after-move): what is not sent is not moved from
  part = std::move(waiting.batch);
  count_out(items, bytes);
  return Flow::kStop;
}

bool Inbox::try_put(Batch& batch) {
  if (!has_room()) return false;
  const std::uint64_t bytes = batch.bytes();
  const std::uint64_t items = batch.count();
  Waiting waiting{std::move(batch), bytes};
  count_in(items, bytes);
  if (shape_.comes_back) open_.fetch_add(1, std::memory_order_relaxed);
  if (chan_.try_send(std::move(waiting)) == runtime::ChanStatus::kOk) {
    is_put();
    return true;
  }
  // NOLINTNEXTLINE(bugprone-use-after-move): what is not sent is not moved from
  batch = std::move(waiting.batch);
  count_out(items, bytes);
  // The caller still works on a batch of its own, so this never brings open_ to 0.
  if (shape_.comes_back) open_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void Inbox::count_in(std::uint64_t items, std::uint64_t bytes) {
  queued_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  queued_items_->fetch_add(items, std::memory_order_relaxed);
  gauge_.came(bytes, runtime::now());
  show_waiting();
}

// Also of what was counted in and found no room: a producer may have seen the bytes, and wait.
void Inbox::count_out(std::uint64_t items, std::uint64_t bytes) {
  queued_items_->fetch_sub(items, std::memory_order_relaxed);
  gauge_.left(bytes, runtime::now());
  show_waiting();
  queued_bytes_.fetch_sub(bytes, std::memory_order_release);  // pairs with has_drained()
  std::atomic_thread_fence(std::memory_order_seq_cst);        // pairs with wait_for_room()
  if (waiting_for_room_.load(std::memory_order_relaxed) > 0 && has_drained()) {
    room_.try_send(runtime::Unit{});  // a full room_ holds a token already
  }
}

// Of what a reader was handed at once nothing was in the channel.
void Inbox::is_put() {
  const std::size_t batches = chan_.size();
  if (batches > 0) gauge_.saw(batches, queued_bytes_.load(std::memory_order_relaxed));
}

std::optional<ChannelFill> Inbox::fill() const {
  return gauge_.fill(chan_.size(), queued_bytes_.load(std::memory_order_relaxed));
}

void Inbox::show_waiting() const {
  if (!waiting_) return;
  const std::uint64_t items = queued_items_->load(std::memory_order_relaxed);
  runtime::trace::counter(*waiting_, static_cast<std::int64_t>(items));
}

void Inbox::hand_out(Waiting&& taken, Batch* batch) {
  *batch = std::move(taken.batch);
  count_out(batch->count(), taken.bytes);
}

Inbox::Taken Inbox::try_take(Batch* batch) {
  runtime::Received<Waiting> got = chan_.try_recv();
  if (got.status == runtime::ChanStatus::kWouldBlock) return Taken::kNothing;
  if (!got) return Taken::kEnd;
  hand_out(std::move(*got), batch);
  return Taken::kBatch;
}

Inbox::Taken Inbox::take(Batch* batch) {
  runtime::Received<Waiting> got = chan_.recv();
  if (!got) return Taken::kEnd;
  hand_out(std::move(*got), batch);
  return Taken::kBatch;
}

void Inbox::release_one() {
  // acq_rel: the one who closes has seen what all others put.
  if (open_.fetch_sub(1, std::memory_order_acq_rel) == 1) close();
}

void Inbox::worked_off() {
  if (shape_.comes_back) release_one();
}

// The caller works on a batch that is not worked off, so open_ is not 0.
void Inbox::expect_back() { open_.fetch_add(1, std::memory_order_relaxed); }
void Inbox::is_back() { release_one(); }

void Inbox::producer_done() { release_one(); }

void Inbox::close() {
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  chan_.close();
  room_.close();
}

}  // namespace gorun::jobs
