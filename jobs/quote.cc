#include "jobs/quote.h"

#include <cstddef>

#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

// Longer texts tell no more and push the sentence off the line.
constexpr std::size_t kLongest = 60;

}  // namespace

std::string quote(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  std::size_t shown = text.size();
  if (shown > kLongest) {
    shown = kLongest;
    // A UTF-8 sequence is shown whole or not at all.
    while (shown > 0 && is_utf8_continuation(text[shown])) --shown;
  }
  for (const char c : text.substr(0, shown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xfU];
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  if (shown < text.size()) out += "...";
  out += '"';
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
