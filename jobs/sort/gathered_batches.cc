#include "jobs/sort/gathered_batches.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "jobs/sort/sort_record.h"

namespace gorun::jobs {
namespace {

// That are made and not sent yet, however many cores there are.
constexpr std::size_t kBatchesAhead = 16;

// A batch has no more, unless its last record has.
constexpr std::size_t kMostOfItems = 2 * kBatchBytes;
constexpr std::size_t kMostOfLines = std::size_t{512} << 10;

// One of usual length is copied in two moves that overlap, without a call. returns  where it ends.
char* append_text(std::string_view text, char* to) {
  constexpr std::size_t kMove = 64;
  if (text.size() < kMove || text.size() > 2 * kMove) {
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
  } else {
    std::memcpy(to, text.data(), kMove);
    std::memcpy(to + text.size() - kMove, text.data() + text.size() - kMove, kMove);
  }
  return to + text.size();
}

}  // namespace

// Blocks of a goroutine that serve again once nobody holds them. To free one and to make another
// costs more than what is written to it: each goes back to the kernel, and all cores hear of it.
class GatheredBatches::Blocks {
 public:
  BlockRef take(std::size_t bytes) {
    for (BlockRef& block : blocks_) {
      if (block->is_unique() && block->capacity() >= bytes) return block;
    }
    BlockRef made = Block::make(std::max(bytes, kLinesBlock));
    if (blocks_.size() < kMost) blocks_.push_back(made);
    return made;
  }

 private:
  static constexpr std::size_t kMost = 2 * kBatchesAhead;  // some of them wait for their reader
  static constexpr std::size_t kLinesBlock = std::size_t{256} << 10;
  std::vector<BlockRef> blocks_;
};

// Until the batch is full.
GatheredBatches::Made GatheredBatches::gather(std::span<const SortEntry> entries, Form form,
                                              Blocks& blocks) {
  const bool are_items = form == Form::kItems;
  const std::size_t most = are_items ? kMostOfItems : kMostOfLines;
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (; count < entries.size() && bytes < most; ++count) {
    if (are_items) prefetch_ahead(entries, count);  // a header tells the size
    bytes += size_of_record(entries[count].record);
  }
  Made made{.batch = {}, .records = count};
  if (are_items) {
    char* to = made.batch.allocate(bytes);
    const std::span<Item> items = made.batch.push_empty(count);
    for (std::size_t i = 0; i < count; ++i) {
      to = copy_record(entries[i].record, to, made.batch, &items[i]);
    }
    return made;
  }
  const BlockRef block = blocks.take(bytes);
  made.batch.keep(block);
  char* const begin = block->data();
  char* to = begin;
  for (std::size_t i = 0; i < count; ++i) {
    prefetch_ahead(entries, i);
    to = append_text(entries[i].record.text(), to);
    *to++ = '\n';
  }
  made.batch.push({.text = {begin, static_cast<std::size_t>(to - begin)}});
  return made;
}

GatheredBatches::GatheredBatches(std::span<const SortEntry> entries, std::size_t batch_items,
                                 Form form, int procs)
    : entries_(entries),
      batch_items_(batch_items),
      count_((entries.size() + batch_items - 1) / batch_items) {
  const std::size_t helpers =
      std::min({static_cast<std::size_t>(procs), count_, kBatchesAhead / 2});
  for (std::size_t h = 0; h < helpers; ++h) made_.emplace_back(kBatchesAhead / helpers - 1);
  for (std::size_t h = 0; h < helpers; ++h) {
    helpers_.go([this, form, h] {
      Blocks blocks;
      for (std::size_t i = h; i < count_; i += made_.size()) {
        if (made_[h].send(gather(of_batch(i), form, blocks)) != runtime::ChanStatus::kOk) return;
      }
    });
  }
}

GatheredBatches::~GatheredBatches() {
  for (runtime::Chan<Made>& of_helper : made_) of_helper.close();
  helpers_.wait();
}

std::optional<GatheredBatches::Next> GatheredBatches::next() {
  if (next_ == count_) return std::nullopt;
  auto got = made_[next_ % made_.size()].recv();
  if (!got) return std::nullopt;  // never: only the destructor closes
  const std::span<const SortEntry> entries = of_batch(next_++);
  return Next{std::move(got->batch), got->records, entries.subspan(got->records)};
}

std::span<const SortEntry> GatheredBatches::of_batch(std::size_t i) const {
  const std::size_t begin = i * batch_items_;
  return entries_.subspan(begin, std::min(batch_items_, entries_.size() - begin));
}

}  // namespace gorun::jobs
