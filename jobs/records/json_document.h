// jobs/records/json_document.h - a JSON text as a tree, and what pointers find in it, as fields.
//
// Strings become their contents, numbers are written as all numbers here are (an integer that fits
// 64 bits by its digits, any other as the shortest text of its double), all else is JSON without
// blanks.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/item.h"

namespace gorun::jobs {

[[nodiscard]] bool is_utf8(std::string_view text);

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
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

}  // namespace gorun::jobs
