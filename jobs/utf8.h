// jobs/utf8.h - is it UTF-8, and where is it not.
#pragma once

#include <cstddef>
#include <string_view>

namespace gorun::jobs {

/// What a text may begin with to say that it is UTF-8; no part of what it says.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

[[nodiscard]] constexpr bool is_utf8_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

/// The length of the well-formed UTF-8 sequence at `text[at]`, 1 to 4 bytes; 0 if there is none.
/// Overlong forms, surrogates and what lies beyond U+10FFFF are not well-formed.
[[nodiscard]] std::size_t utf8_length(std::string_view text, std::size_t at);

/// The offset of the first byte that begins no well-formed sequence; npos if all is UTF-8.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

}  // namespace gorun::jobs
