#include "jobs/item_format.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "jobs/format/checksum_line.h"
#include "jobs/format/json_text.h"
#include "jobs/format/quote.h"
#include "jobs/format/separated.h"

namespace gorun::jobs {
namespace {

class TextFormat final : public ItemFormat {
 public:
  std::optional<std::string> append(const Item& item, std::string* out) override {
    out->append(item.text).push_back('\n');
    return std::nullopt;
  }
};

class JsonLinesFormat final : public ItemFormat {
 public:
  std::optional<std::string> append(const Item& item, std::string* out) override {
    JsonLine line(out);
    if (item.field_count == 0) line.add_text("text", item.text);
    for (const Field& field : item.all_fields()) {
      if (field.type == FieldType::kNumber) {
        line.add_number(field.name, field.value);
      } else {
        line.add_text(field.name, field.value);
      }
    }
    line.end();
    return std::nullopt;
  }
};

class RowFormat final : public ItemFormat {
 public:
  enum class Header { kNone, kNames };
  using AppendRow = void (*)(std::span<const std::string_view> fields, std::string* out);
  RowFormat(AppendRow append_row, Header header) : append_row_(append_row), header_(header) {}

  std::optional<std::string> append(const Item& item, std::string* out) override {
    if (is_first_) begin(item, out);
    if (names_.empty() && item.field_count == 0) {
      append_row_(std::span<const std::string_view>(&item.text, 1), out);
      return std::nullopt;
    }
    row_.assign(names_.size(), {});
    for (const Field& field : item.all_fields()) {
      const auto column = std::ranges::find(names_, field.name);
      if (column == names_.end()) {
        return "the field " + quote_for_message(field.name) +
               " has no column: the first item lacks it";
      }
      row_[static_cast<std::size_t>(column - names_.begin())] = field.value;
    }
    append_row_(row_, out);
    return std::nullopt;
  }

 private:
  void begin(const Item& item, std::string* out) {
    is_first_ = false;
    for (const Field& field : item.all_fields()) names_.emplace_back(field.name);
    if (header_ == Header::kNone || names_.empty()) return;
    row_.assign(names_.begin(), names_.end());
    append_row_(row_, out);
  }

  const AppendRow append_row_;
  const Header header_;
  bool is_first_ = true;
  std::vector<std::string> names_;     // of the columns
  std::vector<std::string_view> row_;  // of the item at hand
};

class ChecksumFormat final : public ItemFormat {
 public:
  std::optional<std::string> append(const Item& item, std::string* out) override {
    const Field* digest = item.find("digest");
    if (digest == nullptr) return "the item has no field \"digest\"";
    const Field* path = item.find("path");
    append_checksum_line(digest->value, path == nullptr ? item.text : path->value, out);
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<ItemFormat> make_item_format(std::string_view name) {
  if (name == "text") return std::make_unique<TextFormat>();
  if (name == "jsonl") return std::make_unique<JsonLinesFormat>();
  if (name == "csv") return std::make_unique<RowFormat>(append_csv_row, RowFormat::Header::kNames);
  if (name == "tsv") return std::make_unique<RowFormat>(append_tsv_row, RowFormat::Header::kNone);
  if (name == "sha256sum") return std::make_unique<ChecksumFormat>();
  throw std::logic_error("no format of this name: " + std::string(name));
}

}  // namespace gorun::jobs
