// jobs/json_tokens.h - where the tokens of a JSON text end.
#pragma once

#include <cstddef>
#include <string_view>

namespace gorun::jobs {

[[nodiscard]] constexpr bool is_json_digit(char c) { return c >= '0' && c <= '9'; }

/// The first byte at or after `at` that is neither white space nor in a comment; a comment that
/// is never closed is not skipped.
[[nodiscard]] std::size_t skip_json_blanks(std::string_view text, std::size_t at);

/// The end of the string that begins at `begin`: after its closing quote, or the end of the
/// text.
[[nodiscard]] std::size_t json_string_end(std::string_view text, std::size_t begin);

/// The end of the longest number that begins at `begin`; `begin` if there is none.
[[nodiscard]] std::size_t json_number_end(std::string_view text, std::size_t begin);

}  // namespace gorun::jobs
