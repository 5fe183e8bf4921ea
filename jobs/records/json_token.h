// jobs/records/json_token.h - a value of a JSON document, as it stands in the text.
#pragma once

#include <cstdint>
#include <string_view>

namespace gorun::jobs {

/// A value that a pointer found.
struct JsonToken {
  enum class Kind : std::uint8_t {
    kAbsent,   // the document has no such value
    kString,   // text is what stands between the quotes; there is no escape in it
    kInteger,  // of at most 18 digits, and not -0: its text is how everybody writes it
    kNumber,   // any other
    kLiteral,  // true, false or null
  };
  Kind kind = Kind::kAbsent;
  std::string_view text;
};

}  // namespace gorun::jobs
