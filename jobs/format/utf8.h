// jobs/format/utf8.h - where well-formed UTF-8 stands in bytes that may be anything.
#pragma once

#include <cstddef>
#include <string_view>

namespace gorun::jobs {

/// Bytes in the well-formed UTF-8 sequence that `text` begins with: 1 to 4, or 0 if it begins
/// with none (also if it is empty). Overlong forms, surrogates and values above U+10FFFF are not
/// well-formed.
/// source  RFC 3629, section 4.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text);

/// True if the whole of `text` is well-formed UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace gorun::jobs
