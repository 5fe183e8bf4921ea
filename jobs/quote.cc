#include "jobs/quote.h"

#include <cstddef>

#include "jobs/format/quote.h"
#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

// Longer texts tell no more and push the sentence off the line.
constexpr std::size_t kLongestShown = 60;

}  // namespace

std::string quote(std::string_view text) {
  if (text.size() <= kLongestShown) return quote_for_message(text);
  std::size_t shown = kLongestShown;
  // A UTF-8 sequence is shown whole or not at all.
  while (shown > 0 && is_utf8_continuation(text[shown])) --shown;
  std::string out = quote_for_message(text.substr(0, shown));
  out.insert(out.size() - 1, "...");
  return out;
}

std::string quote_list(std::span<const std::string_view> texts, std::string_view last_word) {
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) {
      out += i + 1 < texts.size() ? ", " : " " + std::string(last_word) + " ";
    }
    out += quote(texts[i]);
  }
  return out;
}

}  // namespace gorun::jobs
