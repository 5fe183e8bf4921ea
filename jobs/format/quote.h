// jobs/format/quote.h - texts of the outside world inside messages and shell commands.
//
// A name or a line may hold any bytes. In a message it stands in double quotes, with everything
// that could move a terminal's cursor, end the line or be mistaken for a quote written as a C
// escape; UTF-8 is left readable. In a command line for a person to copy, it is quoted so that a
// POSIX shell reads back the same bytes.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// `text` in double quotes: `"` and `\` with a backslash; tab, LF, CR as \t \n \r; every other
/// control character (also DEL and the C1 set) and every byte that is not UTF-8 as \xHH.
[[nodiscard]] std::string quote_for_message(std::string_view text);

/// One word for a POSIX shell: unchanged if it holds only letters, digits and `@%+=:,./_-`,
/// else in single quotes (`'` as `'\''`), or, if it holds control characters or bytes that are
/// not UTF-8, as $'...' with octal escapes, which bash, ksh, zsh and POSIX 2024 shells read.
/// threads  any.
[[nodiscard]] std::string quote_for_shell(std::string_view word);

/// The words of a command line, each quoted for the shell, separated by single spaces.
[[nodiscard]] std::string quote_for_shell(std::span<const std::string> words);

}  // namespace gorun::jobs
