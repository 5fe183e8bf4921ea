#include "jobs/out.h"

#include <stdexcept>
#include <utility>

namespace gorun::jobs {
namespace {

// Below this many items and bytes a batch is copied rather than sent.
constexpr std::size_t kSmallItems = 32;
constexpr std::size_t kSmallBytes = std::size_t{4} << 10;

}  // namespace

Flow Out::send(Batch&& batch) {
  if (batch.empty()) return flow_;
  if (batch.size() < kSmallItems && batch.text_bytes() < kSmallBytes) {
    for (const Item& item : batch.items()) {
      pending_.push_copy(item);
      pending_bytes_ += item.text.size();
    }
    batch.clear();
    if (pending_.size() < batch_items_ && pending_bytes_ < kBatchBytes) return flow_;
    return pass_on();
  }
  if (pass_on() == Flow::kStop) return Flow::kStop;
  flow_ = deliver(std::move(batch));
  return flow_;
}

Flow Out::flush() {
  if (pass_on() == Flow::kStop) return Flow::kStop;
  flow_ = deliver_flush();
  return flow_;
}

Flow Out::emit_records(const Records& records) {
  Item item = records.parent;
  pending_.keep_all(records.batch);
  for (const std::string_view text : records.texts) {
    if (pending_.empty()) pending_.keep_all(records.batch);  // the one before was passed on
    item.text = text;
    if (emit(item) == Flow::kStop) return Flow::kStop;
  }
  return flow_;
}

Flow Out::deliver_records(const Records& /*records*/) {
  throw std::logic_error("this reader takes no bare records");
}

Flow Out::deliver_lines(const Batch& /*batch*/, const Item& /*text*/) {
  throw std::logic_error("this reader takes no uncut lines");
}

Flow Out::pass_on() {
  if (flow_ == Flow::kMore && !pending_.empty()) flow_ = deliver(std::move(pending_));
  pending_.clear();
  pending_bytes_ = 0;
  return flow_;
}

}  // namespace gorun::jobs
