#include "cli/markup.h"

#include <algorithm>
#include <cstddef>

#include "jobs/utf8.h"

namespace gorun::cli {

std::string Markup::text(std::string_view bytes) const {
  const std::string masked = secrets_.masked(std::string(bytes));
  const std::string_view all = masked;
  std::string out;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t length = jobs::utf8_length(all, at);
    const char c = all[at];
    const std::string_view character = all.substr(at, std::max<std::size_t>(length, 1));
    at += character.size();
    const bool is_control = static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
    // U+FFFE and U+FFFF are no characters of XML.
    if (length == 0 || is_control || character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf") {
      out += '?';
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\n' || c == '\t') {
      // In an attribute a reader would turn them into spaces.
      out += c == '\n' ? "&#10;" : "&#9;";
    } else {
      out += character;
    }
  }
  return out;
}

std::string Markup::attribute(std::string_view name, std::string_view value) const {
  return std::string(" ").append(name).append("=\"").append(text(value)).append("\"");
}

}  // namespace gorun::cli
