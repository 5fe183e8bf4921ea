#include "jobs/item_format.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "jobs/byte_size.h"
#include "jobs/format/checksum_line.h"
#include "jobs/format/checksum_reader.h"
#include "jobs/format/json_text.h"
#include "jobs/format/quote.h"
#include "jobs/format/separated.h"
#include "jobs/hash/digest.h"

namespace gorun::jobs {
namespace {

class TextFormat final : public ItemFormat {
 public:
  std::optional<std::string> append(const Item& item, std::string* out) override {
    out->append(item.text).push_back('\n');
    return std::nullopt;
  }
};

class BytesFormat final : public ItemFormat {
 public:
  std::optional<std::string> append(const Item& item, std::string* out) override {
    out->append(item.text);
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

std::string_view path_of(const Item& item) {
  const Field* path = item.find("path");
  return path == nullptr ? item.text : path->value;
}

class BsdFormat final : public ItemFormat {
 public:
  std::optional<std::string> append(const Item& item, std::string* out) override {
    const Field* digest = item.find("digest");
    if (digest == nullptr) return "the item has no field \"digest\"";
    const Field* name = item.find("algorithm");
    const auto algorithm =
        name == nullptr ? std::nullopt : find_algorithm(std::string(name->value));
    if (!algorithm) return "the item has no field \"algorithm\" that names one";
    append_tagged_checksum_line(checksum_tag(*algorithm), digest->value, path_of(item), out);
    return std::nullopt;
  }
};

// The columns are those of the first item.
class HashdeepFormat final : public ItemFormat {
 public:
  std::optional<std::string> append(const Item& item, std::string* out) override {
    const Field* size = item.find("size");
    const auto bytes = size == nullptr ? std::nullopt : parse_byte_size(size->value);
    if (!bytes) return "the item has no field \"size\"";
    if (columns_.empty()) {
      const Field* algorithm = item.find("algorithm");
      if (item.find("digest") != nullptr && algorithm != nullptr) {
        columns_.emplace_back(algorithm->value);
      }
      for (const Field& field : item.all_fields()) {
        if (find_algorithm(std::string(field.name))) columns_.emplace_back(field.name);
      }
      if (columns_.empty()) return "the item has no digest";
      std::string names;
      for (const std::string& column : columns_) names += (names.empty() ? "" : ",") + column;
      append_hashdeep_header(names, out);
    }
    std::string hexes;
    for (const std::string& column : columns_) {
      const Field* digest = item.find(column);
      if (digest == nullptr && columns_.size() == 1) digest = item.find("digest");
      if (digest == nullptr) return "the item has no field " + quote_for_message(column);
      hexes += (hexes.empty() ? "" : ",") + std::string(digest->value);
    }
    if (!append_hashdeep_line(static_cast<std::uint64_t>(*bytes), hexes, path_of(item), out)) {
      return "hashdeep cannot write a name with a line feed";
    }
    return std::nullopt;
  }

 private:
  std::vector<std::string> columns_;  // empty: the header is not written
};

class CheckFormat final : public ItemFormat {
 public:
  std::optional<std::string> append(const Item& item, std::string* out) override {
    const Field* result = item.find("result");
    if (result == nullptr) return "the item has no field \"result\"";
    const std::string_view path = path_of(item);
    if (path.find_first_of("\\\n\r") != std::string_view::npos) *out += '\\';
    for (const char c : path) {
      if (c == '\\' || c == '\n' || c == '\r') {
        *out += {'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : '\\'};
      } else {
        *out += c;
      }
    }
    out->append(": ").append(result->value) += '\n';
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<ItemFormat> make_item_format(std::string_view name) {
  if (name == "text") return std::make_unique<TextFormat>();
  if (name == "bytes") return std::make_unique<BytesFormat>();
  if (name == "jsonl") return std::make_unique<JsonLinesFormat>();
  if (name == "csv") return std::make_unique<RowFormat>(append_csv_row, RowFormat::Header::kNames);
  if (name == "tsv") return std::make_unique<RowFormat>(append_tsv_row, RowFormat::Header::kNone);
  if (name == "sha256sum") return std::make_unique<ChecksumFormat>();
  if (name == "bsd") return std::make_unique<BsdFormat>();
  if (name == "hashdeep") return std::make_unique<HashdeepFormat>();
  if (name == "check") return std::make_unique<CheckFormat>();
  throw std::logic_error("no format of this name: " + std::string(name));
}

}  // namespace gorun::jobs
