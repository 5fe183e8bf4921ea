// jobs/records/record_table.h - records of one text and their fields, a batch at a time, by column.
//
// Cutters fill it, and what reads rows (jobs/out.h) gets its columns as they are: grouping by a
// field is then a loop over one array. Values are views of the text wherever they stand there as
// they are; what had to be decoded lies here until clear().
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/out.h"

namespace gorun::jobs {

/// threads  one at a time.
class RecordTable {
 public:
  /// No records, and columns of these names.
  void set_names(std::vector<std::string> names) {
    names_ = std::move(names);
    // All cells together stay in the second-level cache.
    constexpr std::size_t kMostRecords = 256;
    constexpr std::size_t kMostCells = 8192;
    capacity_ = std::clamp(kMostCells / std::max<std::size_t>(names_.size(), 1), std::size_t{1},
                           kMostRecords);
    values_.assign(names_.size() * capacity_, {});
    types_.assign(names_.size() * capacity_, FieldType::kText);
    texts_.resize(capacity_);
    columns_.clear();
    clear();
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

  void clear() {
    size_ = 0;
    kept_.clear();
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool is_full() const { return size_ == capacity_; }

  /// Of the record that comes next: a value of each column, without data if it has none.
  void set(std::size_t column, std::string_view value, FieldType type = FieldType::kText) {
    values_[column * capacity_ + size_] = value;
    types_[column * capacity_ + size_] = type;
  }
  /// Adds that record. Only if the table is not full.
  void add(std::string_view text) { texts_[size_++] = text; }

  /// So many more records it has room for, and where their values and texts are to be written, one
  /// after the other, before they are added together.
  [[nodiscard]] std::size_t room() const { return capacity_ - size_; }
  [[nodiscard]] std::string_view* next_values(std::size_t column) {
    return values_.data() + column * capacity_ + size_;
  }
  [[nodiscard]] FieldType* next_types(std::size_t column) {
    return types_.data() + column * capacity_ + size_;
  }
  [[nodiscard]] std::string_view* next_texts() { return texts_.data() + size_; }
  void set_types(std::size_t column, std::size_t count, FieldType type) {
    std::fill_n(next_types(column), count, type);
  }
  void add_next(std::size_t count) { size_ += count; }

  /// Bytes of this table's own.
  std::string_view keep(std::string bytes) { return kept_.emplace_back(std::move(bytes)); }

  /// All records, cut from `parent`, an item of `batch`.
  [[nodiscard]] Rows rows(const Batch& batch, const Item& parent) {
    columns_.clear();
    for (std::size_t c = 0; c < names_.size(); ++c) {
      columns_.push_back({names_[c], std::span(values_).subspan(c * capacity_, size_),
                          std::span(types_).subspan(c * capacity_, size_)});
    }
    return {{batch, parent, std::span(texts_).first(size_)}, columns_};
  }

 private:
  std::vector<std::string> names_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::vector<std::string_view> texts_;
  std::vector<std::string_view> values_;  // column by column, capacity_ each
  std::vector<FieldType> types_;          // likewise
  std::vector<Column> columns_;           // as rows() returned them last
  std::deque<std::string> kept_;          // which does not move them
};

/// A record that is none, as a cutter tells it.
struct WrongRecord {
  std::string_view text;   // of the record, as far as it can be told
  std::size_t offset = 0;  // in the text that is cut: where it is wrong
  std::string what;        // as the end of a message: "a quote that is never closed"
};

}  // namespace gorun::jobs
