#include "jobs/reorder.h"

#include <mutex>
#include <utility>

namespace gorun::jobs {
namespace {

using Lock = std::unique_lock<runtime::Mutex>;

}  // namespace

Reorder::Ticket Reorder::open_slot(std::size_t items) {
  slots_.emplace_back().items = items;
  items_ += items;
  return first_ + slots_.size() - 1;
}

Inbox::Taken Reorder::take(Batch* batch, Ticket* ticket) {
  const Lock taking(taking_);
  for (;;) {
    {
      Lock hold(lock_);
      room_.wait(hold, [this] { return is_closed_ || !back_.empty() || items_ < shape_.window; });
      if (is_closed_) return Inbox::Taken::kEnd;
      if (!back_.empty()) {
        *batch = std::move(back_.front().first);
        *ticket = back_.front().second;
        back_.pop_front();
        return Inbox::Taken::kBatch;
      }
    }
    if (inbox_.take(batch) == Inbox::Taken::kEnd) return Inbox::Taken::kEnd;
    if (batch->empty()) {  // put_back() rang
      inbox_.worked_off();
      continue;
    }
    const Lock hold(lock_);
    *ticket = open_slot(batch->size());
    return Inbox::Taken::kBatch;
  }
}

Reorder::Ticket Reorder::last_ticket() {
  const Lock hold(lock_);
  return open_slot(0);
}

bool Reorder::must_wait(Ticket ticket) {
  if (is_closed_) return false;
  // The first one is held back by its readers alone: what it has is about to be passed on.
  const std::size_t bytes = is_first(ticket) ? slot(ticket).bytes : bytes_;
  return bytes >= shape_.bytes && (is_first(ticket) || !shape_.retries);
}

Flow Reorder::append(Ticket ticket, Batch&& batch) {
  Lock hold(lock_);
  room_.wait(hold, [&] { return !must_wait(ticket); });
  return add(ticket, std::move(batch));
}

std::optional<Flow> Reorder::try_append(Ticket ticket, Batch& batch) {
  const Lock hold(lock_);
  if (must_wait(ticket)) return std::nullopt;
  return add(ticket, std::move(batch));
}

// What it has put out has been passed on, but for what is being passed on: that counts.
bool Reorder::is_next(Ticket ticket) {
  return is_closed_ || (is_first(ticket) && slot(ticket).bytes == 0);
}

Flow Reorder::await_turn(Ticket ticket) {
  Lock hold(lock_);
  room_.wait(hold, [&] { return is_next(ticket); });
  return is_closed_ ? Flow::kStop : Flow::kMore;
}

bool Reorder::has_turn(Ticket ticket) {
  const Lock hold(lock_);
  return is_next(ticket);
}

// With lock_ held, and room.
Flow Reorder::add(Ticket ticket, Batch&& batch) {
  if (is_closed_) return Flow::kStop;
  Slot& mine = slot(ticket);
  // A line of a command may be but a byte: what holds it is more.
  const std::size_t bytes = batch.bytes() + batch.size() * sizeof(Item) + sizeof(Batch);
  mine.bytes += bytes;
  bytes_ += bytes;
  mine.ready.push_back(std::move(batch));
  if (is_first(ticket)) work_.notify_one();
  return Flow::kMore;
}

void Reorder::complete(Ticket ticket) {
  const Lock hold(lock_);
  if (is_closed_) return;  // the slots may be gone
  slot(ticket).is_complete = true;
  if (is_first(ticket)) work_.notify_one();
}

void Reorder::put_back(Batch&& batch, Ticket ticket) {
  {
    const Lock hold(lock_);
    if (is_closed_) return;
    back_.emplace_back(std::move(batch), ticket);
  }
  // Whoever takes looks at back_ first, and then parks in one of these two places. A full inbox is
  // as good as a ring: it has something to take.
  room_.notify_all();
  Batch ring;
  static_cast<void>(inbox_.try_put(ring));
}

std::vector<Batch> Reorder::finish() {
  std::vector<Batch> left;
  const Lock hold(lock_);
  for (auto& [batch, ticket] : back_) {
    left.push_back(std::move(batch));
    if (!is_closed_) slot(ticket).is_complete = true;  // closed: the slots may be gone
  }
  back_.clear();
  is_finished_ = true;
  work_.notify_one();
  return left;
}

void Reorder::close_locked() {
  is_closed_ = true;
  room_.notify_all();
  work_.notify_all();
}

void Reorder::close() {
  const Lock hold(lock_);
  close_locked();
}

// As for any stage, one reader that has enough does not end what the others still read.
Flow Reorder::pass_on(Batch&& batch) {
  if (ParcelPtr parcel = batch.detach()) {
    if (auto* errand = dynamic_cast<Errand*>(parcel.get())) return errand->run();
    batch.attach(std::move(parcel));
  }
  if (readers_.empty()) return Flow::kMore;
  bool wanted = false;
  for (std::size_t i = 0; i + 1 < readers_.size(); ++i) {
    wanted = readers_[i]->put(batch.duplicate()) == Flow::kMore || wanted;
  }
  return readers_.back()->put(std::move(batch)) == Flow::kMore || wanted ? Flow::kMore
                                                                         : Flow::kStop;
}

void Reorder::run() {
  std::vector<Batch> passing;
  Lock hold(lock_);
  for (;;) {
    work_.wait(hold, [this] {
      if (is_closed_) return true;
      if (slots_.empty()) return is_finished_;
      return slots_.front().is_complete || !slots_.front().ready.empty();
    });
    if (is_closed_ || slots_.empty()) return;
    Slot& first = slots_.front();
    if (!first.ready.empty()) {
      const std::size_t bytes = first.bytes;
      passing.swap(first.ready);
      hold.unlock();
      Flow flow = Flow::kMore;
      for (Batch& batch : passing) {
        if (flow == Flow::kMore) flow = pass_on(std::move(batch));
      }
      passing.clear();
      hold.lock();
      if (flow == Flow::kStop) return close_locked();
      // Counted until they are gone, so that what lies here is all there is.
      bytes_ -= bytes;
      first.bytes -= bytes;
      room_.notify_all();
      continue;
    }
    items_ -= first.items;
    slots_.pop_front();
    ++first_;
    room_.notify_all();
  }
}

}  // namespace gorun::jobs
