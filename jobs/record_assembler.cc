#include "jobs/record_assembler.h"

#include <algorithm>
#include <cstring>

namespace gorun::jobs {

std::span<char> RecordAssembler::room() {
  if (block_ && begin_ == block_->used() && block_->is_unique()) {
    block_->set_used(0);  // no record needs it any more
    begin_ = scanned_ = 0;
  }
  if (!block_ || block_->room() == 0) {
    const std::size_t rest = block_ ? block_->used() - begin_ : 0;
    // A record that fills a block gets one of twice its size, so that copying stays linear.
    BlockRef next = Block::make(std::max(block_bytes_, rest * 2));
    if (rest > 0) std::memcpy(next->data(), block_->data() + begin_, rest);
    next->set_used(rest);
    block_ = std::move(next);
    scanned_ -= begin_;
    begin_ = 0;
  }
  return {block_->data() + block_->used(), block_->room()};
}

Flow RecordAssembler::filled(std::size_t bytes, Out& out) {
  block_->set_used(block_->used() + bytes);
  const char* data = block_->data();
  for (;;) {
    const void* end = std::memchr(data + scanned_, delimiter_, block_->used() - scanned_);
    if (end == nullptr) break;
    const auto at = static_cast<std::size_t>(static_cast<const char*>(end) - data);
    if (at - begin_ > most_bytes_) return refuse();
    const Flow flow = emit(at, out);
    begun_at_ += at + 1 - begin_;
    begin_ = scanned_ = at + 1;
    if (flow == Flow::kStop) return flow;
  }
  scanned_ = block_->used();
  return scanned_ - begin_ > most_bytes_ ? refuse() : Flow::kMore;
}

// What has been gathered of it is of no use to anybody.
Flow RecordAssembler::refuse() {
  refused_at_ = begun_at_;
  block_ = {};
  begin_ = scanned_ = 0;
  return Flow::kMore;
}

Flow RecordAssembler::append(std::string_view piece, Out& out) {
  while (!piece.empty() && !refused_at_) {
    const std::span<char> to = room();
    const std::size_t part = std::min(to.size(), piece.size());
    std::memcpy(to.data(), piece.data(), part);
    if (filled(part, out) == Flow::kStop) return Flow::kStop;
    piece.remove_prefix(part);
  }
  return Flow::kMore;
}

Flow RecordAssembler::pass_on(std::string_view piece, Out& out) {
  while (!piece.empty()) {
    const std::span<char> to = room();
    const std::size_t part = std::min(to.size(), piece.size());
    std::memcpy(to.data(), piece.data(), part);
    block_->set_used(block_->used() + part);
    if (finish(out) == Flow::kStop) return Flow::kStop;
    piece.remove_prefix(part);
  }
  return Flow::kMore;
}

Flow RecordAssembler::finish(Out& out) {
  if (!block_ || begin_ == block_->used()) return Flow::kMore;
  const Flow flow = emit(block_->used(), out);
  begin_ = scanned_ = block_->used();
  return flow;
}

Flow RecordAssembler::emit(std::size_t end, Out& out) {
  if (skip_ > 0) {
    --skip_;
    return Flow::kMore;
  }
  Batch& batch = out.batch();
  if (origin_ != nullptr) batch.keep_all(*origin_);
  batch.keep(block_);
  Item record = like_;
  record.text = {block_->data() + begin_, end - begin_};
  return out.emit(record);
}

}  // namespace gorun::jobs
