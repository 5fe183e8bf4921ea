#include "jobs/exec/item_gatherer.h"

#include <mutex>
#include <utility>

namespace gorun::jobs {

std::vector<Batch> ItemGatherer::add(const Batch& batch, const Weigh& weigh) {
  std::vector<Batch> full;
  const std::lock_guard<runtime::Mutex> hold(lock_);
  const auto pass_on = [&] {
    full.push_back(std::exchange(pending_, Batch()));
    pending_bytes_ = 0;
  };
  for (const Item& item : batch.items()) {
    const std::size_t bytes = weigh(item);
    if (!pending_.empty() && pending_bytes_ + bytes > bytes_) pass_on();
    if (pending_.empty()) pending_.keep_all(batch);
    pending_.push(item);
    pending_bytes_ += bytes;
    if (pending_.size() >= items_) pass_on();
  }
  // What is left was begun by another batch, or by this one.
  if (!pending_.empty()) pending_.keep_all(batch);
  return full;
}

Batch ItemGatherer::leave() {
  const std::lock_guard<runtime::Mutex> hold(lock_);
  return --workers_ == 0 ? std::exchange(pending_, Batch()) : Batch();
}

}  // namespace gorun::jobs
