// jobs/json_value.h - a JSON document in which every value and every key knows its bytes.
//
// nlohmann/json 3.11 checks the grammar and decodes texts and numbers, through its SAX
// interface; it tells no positions. Since its events come in the order of the text, a cursor
// that steps over one token for each event knows them all: between two tokens there is only
// white space, comments, "," and ":". Comments are // to the end of the line and /* */.
//
// Invariants
//   I1  where of a value covers exactly its text, quotes and brackets included.
//   I2  Members and elements stand in file order; a key that is given twice stands there once,
//       with its first value.
//   I3  Nesting is at most kMaxJsonDepth, so code that walks a document may recurse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "jobs/diagnostic.h"
#include "jobs/source.h"

namespace gorun::jobs {

inline constexpr std::size_t kMaxJsonDepth = 64;

struct JsonMember;
class JsonValue;

using JsonArray = std::vector<JsonValue>;
using JsonObject = std::vector<JsonMember>;

class JsonValue {
 public:
  /// uint64_t only for integers above INT64_MAX; integers that fit neither are doubles.
  using Content = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double,
                               std::string, JsonArray, JsonObject>;

  Content content;
  ByteRange where;

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(content); }
  /// Each is nullptr if the value is of another type.
  [[nodiscard]] const bool* flag() const { return std::get_if<bool>(&content); }
  [[nodiscard]] const std::int64_t* integer() const { return std::get_if<std::int64_t>(&content); }
  [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&content); }
  [[nodiscard]] const JsonArray* array() const { return std::get_if<JsonArray>(&content); }
  [[nodiscard]] const JsonObject* object() const { return std::get_if<JsonObject>(&content); }
  [[nodiscard]] bool is_number() const;

  /// "an array", "a number", "null": what a message calls it.
  [[nodiscard]] std::string_view type_phrase() const;
};

struct JsonMember {
  std::string key;
  ByteRange key_where;
  JsonValue value;
};

/// nullptr if there is no such key. Linear; for objects whose keys a table bounds.
[[nodiscard]] const JsonMember* find_member(const JsonObject& object, std::string_view key);

struct ParsedJson {
  std::optional<JsonValue> root;  // nothing after a syntax error
  Diagnostics errors;             // a syntax error, or every key that is given twice
};

/// Parses the last file of `source`, which is UTF-8.
[[nodiscard]] ParsedJson parse_json(const Source& source);

/// The byte of the source at which byte `offset` of a decoded string stands. `token` is the
/// string's range, quotes included. Escapes make the two differ.
[[nodiscard]] std::size_t offset_in_source(const Source& source, ByteRange token,
                                           std::size_t offset);

}  // namespace gorun::jobs
