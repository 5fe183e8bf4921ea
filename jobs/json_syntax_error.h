// jobs/json_syntax_error.h - what is wrong with a text that is not JSON, in plain words.
//
// The parser stops at the first token that does not fit. From the last one that did, this looks
// at the text again and says what a reader of it would say: a comma too many, a text that is
// never closed, a word without quotes.
#pragma once

#include <cstddef>
#include <string>

#include "jobs/diagnostic.h"
#include "jobs/source.h"

namespace gorun::jobs {

/// Where in the grammar a parser stopped.
struct JsonStop {
  enum class After {
    kNothing,  // the text begins
    kRoot,     // the value of the whole text
    kOpening,  // the "{" or "[" of the innermost container
    kKey,      // a key of it
    kValue,    // a member or element of it
  };
  enum class Container { kNone, kObject, kArray };
  After after = After::kNothing;
  Container container = Container::kNone;
  std::size_t container_begin = 0;  // its bracket
  std::size_t cursor = 0;           // just after the last token that fits
  ByteRange last_token;             // the key or the end of the value before it; empty: none
};

/// The mistake at or after `stop`. `reason` is what the parser itself said, for the case that
/// nothing else explains.
[[nodiscard]] Diagnostic explain_syntax_error(const Source& source, const JsonStop& stop,
                                              const std::string& reason);

}  // namespace gorun::jobs
