#include "jobs/readers_out.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "jobs/text/cutter.h"

namespace gorun::jobs {

ReadersOut::ReadersOut(const Surroundings& where, const PlanNode& from, StageCell& cell,
                       const std::vector<Inbox*>& readers, StageClock& clock, PoolPlaces& places)
    : Out(wanted_items(readers)),
      where_(where),
      from_(from),
      cell_(cell),
      readers_(readers),
      clock_(clock),
      places_(places) {}

bool ReadersOut::reader_is_idle() const {
  return std::ranges::any_of(readers_, [](const Inbox* inbox) { return inbox->is_empty(); });
}

bool ReadersOut::takes_lines() const {
  return !readers_.empty() && std::ranges::all_of(readers_, &Inbox::takes_lines);
}

bool ReadersOut::keeps_lines() const {
  return !readers_.empty() && std::ranges::all_of(readers_, &Inbox::keeps_lines);
}

Flow ReadersOut::deliver_lines(const Batch& batch, const Item& text, std::uint64_t lines) {
  Batch uncut;
  uncut.keep_all(batch);
  uncut.push(text);
  uncut.set_lines(lines > 0 ? lines : count_lines(text.text));
  return uncut.lines() > 0 ? deliver(std::move(uncut)) : Flow::kMore;
}

Flow ReadersOut::deliver(Batch&& batch) {
  if (from_.is_last) cell_.items_out.fetch_add(batch.count(), std::memory_order_relaxed);
  if (readers_.empty()) return Flow::kMore;
  bool wanted = false;
  for (std::size_t i = 0; i + 1 < readers_.size(); ++i) {
    wanted = put(*readers_[i], batch.duplicate()) == Flow::kMore || wanted;
  }
  wanted = put(*readers_.back(), std::move(batch)) == Flow::kMore || wanted;
  return wanted && !where_.is_cut() ? Flow::kMore : Flow::kStop;
}

std::size_t ReadersOut::wanted_items(const std::vector<Inbox*>& readers) {
  std::size_t most = 1;
  for (const Inbox* inbox : readers) most = std::max(most, inbox->batch_items());
  return readers.empty() ? kBatchItems : most;
}

Flow ReadersOut::put(Inbox& inbox, Batch&& batch) {
  if (places_.is_held()) return put_without_places(inbox, std::move(batch));
  return inbox.put(std::move(batch), this);
}

// Whoever parks must not hold places of a pool, and what there is room for is a hint.
Flow ReadersOut::put_without_places(Inbox& inbox, Batch&& batch) {
  if (batch.size() <= inbox.batch_items() && inbox.try_put(batch)) return Flow::kMore;
  StageAccount* mine = clock_.switch_to(&cell_.waiting_out);
  const Flow flow = [&] {
    const PoolPlaces::Lent lent(places_);
    return inbox.put(std::move(batch));
  }();
  clock_.switch_to(mine);
  return flow;
}

}  // namespace gorun::jobs
