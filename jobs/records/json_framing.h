// jobs/records/json_framing.h - how JSON documents lie in a text.
#pragma once

#include <cstdint>

namespace gorun::jobs {

/// How documents lie in a text.
enum class JsonFraming : std::uint8_t {
  kLines,      // none goes on behind the end of its line
  kDocuments,  // one after the other
  kArray,      // in one array, of which the text is the beginning or all
  kElements,   // in an array that began before the text; it begins with an element
  kUnknown,    // as in kArray if the text is one array and nothing else, otherwise as kDocuments
};

}  // namespace gorun::jobs
