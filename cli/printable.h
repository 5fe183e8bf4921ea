// cli/printable.h - foreign bytes made safe and short enough for one line of a terminal.
//
// File names, items and commands are bytes: they may hold newlines, escape sequences that drive the
// terminal, or no UTF-8 at all. What a person sees of them goes through here; data never does.
//
// Widths are those of Unicode's East Asian Width for the ranges that occur in names: wide letters
// and emoji take two columns, combining marks none. wcwidth(3) knows more, but only for the locale
// of the process, and gorun stays in the C locale so that its numbers and its sorting do not depend
// on the machine.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gorun::cli {

/// `bytes` with every control character and every byte that is not UTF-8 replaced by "?".
[[nodiscard]] std::string printable(std::string_view bytes);

/// The columns that printable(`bytes`) takes.
[[nodiscard]] std::size_t display_width(std::string_view bytes);

/// printable(`bytes`), cut at the end to at most `columns`; a cut is marked by "..", if that fits.
[[nodiscard]] std::string fit(std::string_view bytes, std::size_t columns);

/// fit(), then blanks up to `columns`.
[[nodiscard]] std::string pad(std::string_view bytes, std::size_t columns);

}  // namespace gorun::cli
