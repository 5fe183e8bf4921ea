#include "jobs/out.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace gorun::jobs {
namespace {

// Below this many items and bytes a batch is copied rather than sent.
constexpr std::size_t kSmallItems = 32;
constexpr std::size_t kSmallBytes = std::size_t{4} << 10;
// Blocks are kept alive for items that are more than this part of them.
constexpr std::size_t kSparse = 4;

// True if little is kept of the text that the records were cut from, or of its part from the first
// to the last of them: it is better copied than kept alive.
bool is_sparse(const Records& records) {
  if (records.texts.empty()) return false;
  std::size_t bytes = 0;
  for (const std::string_view text : records.texts) bytes += text.size();
  if (bytes * kSparse >= records.parent.text.size()) return false;
  Item bare = records.parent;
  bare.text = {};
  if (bare.field_bytes() >= kSmallBytes) return false;  // each batch would have them anew
  if (records.texts.size() < kSmallItems && bytes < kSmallBytes) return true;
  const std::string_view last = records.texts.back();
  const auto span =
      static_cast<std::size_t>(last.data() + last.size() - records.texts.front().data());
  return bytes * kSparse < span;
}

}  // namespace

Flow Out::send(Batch&& batch) {
  if (batch.empty()) return flow_;
  if (batch.size() < kSmallItems || batch.is_thin()) {
    const std::size_t bytes = batch.bytes();
    if (bytes < (batch.is_thin() ? kBatchBytes : kSmallBytes)) return copy_all(std::move(batch));
  }
  if (pass_on() == Flow::kStop) return Flow::kStop;
  flow_ = deliver(std::move(batch));
  return flow_;
}

Flow Out::copy_all(Batch&& batch) {
  for (const Item& item : batch.items()) {
    pending_.push_copy(item);
    pending_bytes_.add(pending_.items().back());
  }
  batch.clear();
  return is_full() ? pass_on() : flow_;
}

Flow Out::flush() {
  if (pass_on() == Flow::kStop) return Flow::kStop;
  flow_ = deliver_flush();
  return flow_;
}

Flow Out::run_in_turn(std::unique_ptr<Errand> errand, std::size_t bytes) {
  if (pass_on() == Flow::kMore) flow_ = deliver_errand(std::move(errand), bytes);
  return flow_;
}

Flow Out::await_turn() {
  if (pass_on() == Flow::kMore) flow_ = deliver_await_turn();
  return flow_;
}

Flow Out::deliver_errand(std::unique_ptr<Errand> errand, std::size_t /*bytes*/) {
  return errand->run();
}

Flow Out::emit_records(const Records& records) {
  const bool copies = is_sparse(records);
  Item item = records.parent;
  for (std::size_t i = 0; i < records.texts.size(); ++i) {
    // Of every batch anew: the one before was passed on.
    if (i == 0 || pending_.empty()) {
      if (copies) {
        item = records.parent;
        item.text = {};
        item = pending_.copy(item);
      } else {
        pending_.keep_all(records.batch);
      }
    }
    item.text = copies ? pending_.copy(records.texts[i]) : records.texts[i];
    if (emit(item) == Flow::kStop) return Flow::kStop;
  }
  return flow_;
}

Item Rows::item(std::size_t i, std::vector<Field>* fields) const {
  fields->clear();
  for (const Column& column : columns) {
    if (column.values[i].data() == nullptr) continue;
    fields->push_back({column.name, column.values[i], column.types[i]});
  }
  const std::size_t own = fields->size();
  for (const Field& field : records.parent.all_fields()) {
    const auto mine = std::span(*fields).first(own);
    if (std::ranges::find(mine, field.name, &Field::name) == mine.end()) fields->push_back(field);
  }
  Item item{records.texts[i], fields->data(), static_cast<std::uint32_t>(fields->size())};
  return item;
}

Flow Out::emit_rows(const Rows& rows) {
  std::vector<Field> fields;
  std::vector<std::string_view> names(rows.columns.size());
  for (std::size_t i = 0; i < rows.records.texts.size(); ++i) {
    // Of every batch anew: the one before was passed on.
    if (i == 0 || pending_.empty()) {
      pending_.keep_all(rows.records.batch);
      for (std::size_t c = 0; c < names.size(); ++c) names[c] = pending_.copy(rows.columns[c].name);
    }
    Item item = rows.item(i, &fields);
    const std::span<Field> mine = pending_.allocate_fields(fields.size());
    std::size_t column = 0;
    for (std::size_t f = 0; f < fields.size(); ++f) {
      mine[f] = fields[f];
      while (column < names.size() && rows.columns[column].name.data() != fields[f].name.data()) {
        ++column;
      }
      if (column == names.size()) continue;  // the parent's, which its batch keeps
      mine[f].name = names[column];
      if (!rows.records.parent.has_in_text(fields[f].value))
        mine[f].value = pending_.copy(fields[f].value);
    }
    item.fields = mine.data();
    if (emit(item) == Flow::kStop) return Flow::kStop;
  }
  return flow_;
}

Flow Out::deliver_rows(const Rows& /*rows*/) {
  throw std::logic_error("this reader takes no rows");
}

Flow Out::deliver_records(const Records& /*records*/) {
  throw std::logic_error("this reader takes no bare records");
}

Flow Out::deliver_lines(const Batch& /*batch*/, const Item& /*text*/, std::uint64_t /*lines*/) {
  throw std::logic_error("this reader takes no uncut lines");
}

Flow Out::deliver_number(const Batch& /*batch*/, const Item& /*parent*/,
                         std::uint64_t /*records*/) {
  throw std::logic_error("this reader takes no number of records");
}

// A reader that keeps the table leaves none, and the next batch will hold about as many items: a
// table that grows to that is written twice.
Flow Out::pass_on() {
  const std::size_t items = pending_.size();
  if (flow_ == Flow::kMore && !pending_.empty()) flow_ = deliver(std::move(pending_));
  pending_.clear();
  if (flow_ == Flow::kMore) pending_.reserve(items);
  pending_bytes_ = {};
  return flow_;
}

}  // namespace gorun::jobs
