// jobs/quote.h - a name from the job file as messages show it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// quote_for_message() of at most the first 60 bytes; "..." stands for what was cut.
[[nodiscard]] std::string quote(std::string_view text);

/// "a", "b" and "c": a list for a sentence.
[[nodiscard]] std::string quote_list(std::span<const std::string_view> texts,
                                     std::string_view last_word = "and");

}  // namespace gorun::jobs
