#include "jobs/sort/gathered_batches.h"

#include <algorithm>
#include <utility>

#include "jobs/sort/sort_record.h"

namespace gorun::jobs {
namespace {

// That are made and not sent yet, however many cores there are.
constexpr std::size_t kBatchesAhead = 16;

// Until the batch is full.
Batch gather(std::span<const SortEntry> entries) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (; count < entries.size() && bytes < 2 * kBatchBytes; ++count) {
    prefetch_ahead(entries, count);
    bytes += size_of_record(entries[count].record);
  }
  Batch batch;
  const std::span<Item> items = batch.push_empty(count);
  char* to = batch.allocate(bytes);
  for (std::size_t i = 0; i < count; ++i) {
    to = copy_record(entries[i].record, to, batch, &items[i]);
  }
  return batch;
}

}  // namespace

GatheredBatches::GatheredBatches(std::span<const SortEntry> entries, int procs)
    : entries_(entries), count_((entries.size() + kBatchItems - 1) / kBatchItems) {
  const std::size_t helpers =
      std::min({static_cast<std::size_t>(procs), count_, kBatchesAhead / 2});
  for (std::size_t h = 0; h < helpers; ++h) made_.emplace_back(kBatchesAhead / helpers - 1);
  for (std::size_t h = 0; h < helpers; ++h) {
    helpers_.go([this, h] {
      for (std::size_t i = h; i < count_; i += made_.size()) {
        if (made_[h].send(gather(of_batch(i))) != runtime::ChanStatus::kOk) return;
      }
    });
  }
}

GatheredBatches::~GatheredBatches() {
  for (runtime::Chan<Batch>& of_helper : made_) of_helper.close();
  helpers_.wait();
}

std::optional<GatheredBatches::Next> GatheredBatches::next() {
  if (next_ == count_) return std::nullopt;
  auto got = made_[next_ % made_.size()].recv();
  if (!got) return std::nullopt;  // never: only the destructor closes
  const std::span<const SortEntry> entries = of_batch(next_++);
  const std::size_t taken = got->size();
  return Next{std::move(*got), entries.subspan(taken)};
}

std::span<const SortEntry> GatheredBatches::of_batch(std::size_t i) const {
  const std::size_t begin = i * kBatchItems;
  return entries_.subspan(begin, std::min(kBatchItems, entries_.size() - begin));
}

}  // namespace gorun::jobs
