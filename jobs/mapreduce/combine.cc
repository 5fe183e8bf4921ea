#include "jobs/mapreduce/combine.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/format/quote.h"
#include "jobs/mapreduce/dealt_table.h"
#include "jobs/mapreduce/group_key.h"
#include "jobs/mapreduce/group_table.h"
#include "jobs/mapreduce/shards.h"

namespace gorun::jobs {
namespace {

// A table of so many groups is in the second-level cache still.
constexpr std::size_t kCachedGroups = 12 << 10;

class Combine final : public Operator {
 public:
  Combine(const ReduceOptions& options, std::size_t budget, const MergedGroups& merged,
          Context& context)
      : options_(options),
        only_counts_(options.only_counts()),
        budget_(budget),
        merged_(merged),
        context_(context),
        table_(options.kinds),
        columns_(options.values.size()),
        values_(options.values.size()) {}

  Flow process(Batch&& batch, Out& /*out*/) override {
    begin();
    for (const Item& item : batch.items()) {
      if (collect(item) == Flow::kStop) return Flow::kStop;
    }
    return add_collected();
  }

  [[nodiscard]] bool takes_records() const override { return true; }

  Flow process_records(const Records& records, Out& /*out*/) override {
    if (only_counts_ && options_.by_text) {
      return add(records.texts);
    }
    if (only_counts_) return count_alike(records);
    begin();
    for (std::size_t i = 0; i < records.texts.size(); ++i) {
      if (collect(records.item(i)) == Flow::kStop) return Flow::kStop;
    }
    return add_collected();
  }

  // Of a key that is no text only the number of records counts.
  [[nodiscard]] bool only_counts(TextForm form, const Out& /*out*/) const override {
    return form == TextForm::kRecords && only_counts_ && !options_.by_text;
  }

  // All items are one group, of the key of no fields.
  [[nodiscard]] bool takes_number() const override {
    return only_counts_ && !options_.by_text && options_.by.empty();
  }

  Flow process_number(const Batch& /*batch*/, const Item& /*parent*/, std::uint64_t records,
                      Out& /*out*/) override {
    table_.add_times({}, static_cast<std::int64_t>(records));
    return hand_over_if_full();
  }

  [[nodiscard]] bool takes_rows() const override { return true; }

  // By column, if every row has all that is asked for; the exceptions go row by row.
  Flow process_rows(const Rows& rows, Out& /*out*/) override {
    begin();
    if (const auto keys = take_columns(rows)) return add(*keys);
    begin();
    for (std::size_t i = 0; i < rows.records.texts.size(); ++i) {
      if (collect(rows.item(i, &fields_)) == Flow::kStop) return Flow::kStop;
    }
    return add_collected();
  }

  void finish(Out& /*out*/) override {
    if (table_.size() == 0) return;
    static_cast<void>(give(std::move(table_).deal(Shards(context_.shard_count()))));
  }

 private:
  // The values of one aggregate, as far as it needs them.
  struct Operands {
    std::vector<std::string_view> texts;
    std::vector<Number> numbers;
    std::vector<std::int64_t> integers;  // of rows
  };

  void begin() {
    keys_.clear();
    composed_.clear();
    for (Operands& column : columns_) {
      column.texts.clear();
      column.numbers.clear();
    }
  }

  // All fields are those of the item that the records were cut from: so is the key.
  Flow count_alike(const Records& records) {
    begin();
    const auto missing = read_key(records.parent);
    if (missing) {
      for (std::size_t i = 0; i < records.texts.size(); ++i) {
        if (fail_without(*missing, records.item(i)) == Flow::kStop) return Flow::kStop;
      }
      return Flow::kMore;
    }
    table_.add_times(options_.by.size() == 1 ? keys_.front() : composed_.front(),
                     static_cast<std::int64_t>(records.texts.size()));
    return hand_over_if_full();
  }

  Flow collect(const Item& item) {
    for (std::size_t v = 0; v < columns_.size(); ++v) {
      auto failure = read_value(options_.values[v], item, &columns_[v]);
      if (!failure) continue;
      drop_values(v);
      return context_.fail_item(item, std::move(*failure));
    }
    if (const auto missing = read_key(item)) {
      drop_values(columns_.size());
      return fail_without(*missing, item);
    }
    return Flow::kMore;
  }

  // The values of a field, one a row; nothing if a row has none, or it is the parent's.
  static std::span<const std::string_view> find_column(const Rows& rows, std::string_view name) {
    const auto column = std::ranges::find(rows.columns, name, &Column::name);
    if (column == rows.columns.end()) return {};
    const auto is_absent = [](std::string_view value) { return value.data() == nullptr; };
    return std::ranges::any_of(column->values, is_absent) ? std::span<const std::string_view>()
                                                          : column->values;
  }

  // The keys of all rows; nothing if one lacks a part.
  std::optional<std::span<const std::string_view>> keys_of(const Rows& rows) {
    if (options_.by_text) return rows.records.texts;
    by_columns_.clear();
    for (const std::string& name : options_.by) {
      by_columns_.push_back(find_column(rows, name));
      if (by_columns_.back().empty()) return std::nullopt;
    }
    if (by_columns_.size() == 1) return by_columns_.front();
    // All keys in one piece of memory, which moves until the last one is there.
    key_bytes_.clear();
    key_ends_.clear();
    for (std::size_t i = 0; i < rows.records.texts.size(); ++i) {
      for (const auto& column : by_columns_) {
        if (&column == &by_columns_.back()) {
          append_last_key_part(column[i], &key_bytes_);
        } else {
          append_key_part(column[i], &key_bytes_);
        }
      }
      key_ends_.push_back(key_bytes_.size());
    }
    std::size_t begin = 0;
    for (const std::size_t end : key_ends_) {
      keys_.push_back(std::string_view(key_bytes_).substr(begin, end - begin));
      begin = end;
    }
    return keys_;
  }

  // The keys of all rows, and values_, as far as they can be had without an exception.
  std::optional<std::span<const std::string_view>> take_columns(const Rows& rows) {
    if (options_.by.empty() && !options_.by_text) return std::nullopt;
    const auto keys = keys_of(rows);
    if (!keys) return std::nullopt;
    for (std::size_t v = 0; v < columns_.size(); ++v) {
      if (!take_column(rows, v)) return std::nullopt;
    }
    return keys;
  }

  // False if a row has no such value.
  bool take_column(const Rows& rows, std::size_t v) {
    const ValueOption& option = options_.values[v];
    values_[v] = {};
    if (option.kind == AggregateKind::kCount) return true;
    const std::span<const std::string_view> texts =
        option.field ? find_column(rows, *option.field) : rows.records.texts;
    if (texts.empty()) return false;
    values_[v].texts = texts;
    if (!wants_numbers(option.kind)) return true;
    // Of a column that several look at the numbers are read once.
    for (std::size_t before = 0; before < v; ++before) {
      if (values_[before].texts.data() != texts.data() ||
          !wants_numbers(options_.values[before].kind)) {
        continue;
      }
      values_[v] = values_[before];
      return true;
    }
    return take_numbers(texts, v);
  }

  bool take_numbers(std::span<const std::string_view> texts, std::size_t v) {
    Operands& column = columns_[v];
    column.integers.resize(texts.size());
    if (parse_integers(texts, column.integers.data())) {
      values_[v].integers = column.integers;
      return true;
    }
    for (const std::string_view text : texts) {
      const std::optional<Number> number = parse_number(text);
      if (!number) return false;
      column.numbers.push_back(*number);
    }
    values_[v].numbers = column.numbers;
    return true;
  }

  // Appends the key; returns the field that the item lacks.
  std::optional<std::string_view> read_key(const Item& item) {
    if (options_.by_text) {
      keys_.push_back(item.text);
      return std::nullopt;
    }
    if (options_.by.size() == 1) {
      const Field* field = item.find(options_.by.front());
      if (field == nullptr) return options_.by.front();
      keys_.push_back(field->value);
      return std::nullopt;
    }
    std::string key;
    for (const std::string& name : options_.by) {
      const Field* field = item.find(name);
      if (field == nullptr) return name;
      if (&name == &options_.by.back()) {
        append_last_key_part(field->value, &key);
      } else {
        append_key_part(field->value, &key);
      }
    }
    composed_.push_back(std::move(key));
    return std::nullopt;
  }

  static std::optional<Failure> read_value(const ValueOption& option, const Item& item,
                                           Operands* column) {
    if (option.kind == AggregateKind::kCount) return std::nullopt;
    std::string_view text = item.text;
    if (option.field) {
      const Field* field = item.find(*option.field);
      if (field == nullptr) return missing(*option.field);
      text = field->value;
    }
    if (!wants_numbers(option.kind)) {
      column->texts.push_back(text);
      return std::nullopt;
    }
    const std::optional<Number> number = parse_number(text);
    if (!number) {
      return Failure{FailureKind::kWork, quote_for_message(text) + " is not a number", {}};
    }
    column->numbers.push_back(*number);
    return std::nullopt;
  }

  // Takes the values of an item that failed off the first `count` columns.
  void drop_values(std::size_t count) {
    for (std::size_t v = 0; v < count; ++v) {
      if (options_.kinds[v] == AggregateKind::kCount) continue;
      if (wants_numbers(options_.kinds[v])) {
        columns_[v].numbers.pop_back();
      } else {
        columns_[v].texts.pop_back();
      }
    }
  }

  static Failure missing(std::string_view field) {
    return {FailureKind::kWork, "the item has no field \"" + std::string(field) + "\"", {}};
  }
  Flow fail_without(std::string_view field, const Item& item) {
    return context_.fail_item(item, missing(field));
  }

  Flow add_collected() {
    for (const std::string& key : composed_) keys_.emplace_back(key);
    for (std::size_t v = 0; v < columns_.size(); ++v) {
      values_[v] = {columns_[v].texts, columns_[v].numbers, {}};
    }
    return add(keys_);
  }

  Flow add(std::span<const std::string_view> keys) {
    if (make_room(keys.size()) == Flow::kStop) return Flow::kStop;
    table_.add_values(keys, values_);
    records_ += keys.size();
    return combines_little() ? hand_over() : hand_over_if_full();
  }

  // Where most groups are of one record, and new to the shards, a table that outgrows the caches
  // costs a miss for each, and as much memory again, for nothing.
  [[nodiscard]] bool combines_little() const {
    return table_.size() >= kCachedGroups && records_ < 2 * table_.size() &&
           merged_.are_mostly_new();
  }

  // For as many keys as may be new. What the table holds grows in steps: it is too late behind one.
  Flow make_room(std::size_t keys) {
    const bool fits = table_.size() == 0 || table_.bytes_while_adding(keys) <= budget_;
    return fits ? Flow::kMore : hand_over();
  }
  Flow hand_over_if_full() { return table_.memory_bytes() > budget_ ? hand_over() : Flow::kMore; }

  Flow hand_over() {
    records_ = 0;
    return give(table_.take(Shards(context_.shard_count())));
  }
  Flow give(DealtTable&& table) {
    const auto shared = std::make_shared<const DealtTable>(std::move(table));
    for (std::size_t shard = 0; shard < context_.shard_count(); ++shard) {
      if (context_.hand_over(shard, std::make_unique<TableParcel>(shared)) == Flow::kStop) {
        return Flow::kStop;
      }
    }
    return Flow::kMore;
  }

  const ReduceOptions& options_;
  const bool only_counts_;
  const std::size_t budget_;
  const MergedGroups& merged_;
  Context& context_;
  GroupTable table_;
  std::size_t records_ = 0;             // added one by one to the table
  std::vector<std::string_view> keys_;  // of the items at hand
  std::vector<std::string> composed_;   // those of several fields, which keys_ then point into
  std::vector<Operands> columns_;       // by aggregate
  std::vector<Values> values_;          // views of columns_, or of the columns of rows
  // Of the rows at hand: the values of the fields to group by, and keys made of several.
  std::vector<std::span<const std::string_view>> by_columns_;
  std::string key_bytes_;
  std::vector<std::size_t> key_ends_;
  std::vector<Field> fields_;  // of one row
};

}  // namespace

std::unique_ptr<Operator> make_combine(const ReduceOptions& options, std::size_t budget,
                                       const MergedGroups& merged, Context& context) {
  return std::make_unique<Combine>(options, budget, merged, context);
}

}  // namespace gorun::jobs
