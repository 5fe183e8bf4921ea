// jobs/records/json_document.h - a JSON text as a tree, and what pointers find in it, as fields.
//
// Strings become their contents, an integer is its digits, however many, any other number the
// shortest text of its double (that of one which has none stays as it stands), all else is JSON
// without blanks.
//
// Of a key that comes twice in an object the last value counts, as for jq, Python and JavaScript;
// simdjson's own pointers take the first.
//
// Of a text with a number that fits neither 64 bits nor a double, which simdjson makes no tree of,
// values are looked up one by one (simdjson's on-demand documents).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/item.h"

namespace gorun::jobs {

[[nodiscard]] bool is_utf8(std::string_view text);

/// What stands for a number of JSON in a field; nothing: as it is written.
[[nodiscard]] std::optional<std::string> json_number_text(std::string_view number);

/// threads  one at a time. Its memory serves one text after the other.
class JsonDocument {
 public:
  JsonDocument();
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  /// Reads a text that is one document; returns what is wrong with it, if something is.
  [[nodiscard]] std::optional<std::string> parse(std::string_view text);

  struct Value {
    std::string text;
    FieldType type = FieldType::kText;
  };
  /// What `pointer` (RFC 6901) finds in the text parsed last.
  [[nodiscard]] std::optional<Value> find(std::string_view pointer) const;

 private:
  [[nodiscard]] bool is_one_document(std::string_view text) const;
  [[nodiscard]] std::optional<Value> look_up(std::string_view pointer) const;

  struct Tree;
  std::unique_ptr<Tree> tree_;
};

}  // namespace gorun::jobs
