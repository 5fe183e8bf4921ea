#include "jobs/format/json_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "jobs/format/hex.h"
#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

// U+10FF80 to U+10FFFF in UTF-8: F4 8F BE 80 to F4 8F BF BF.
bool is_stand_in(std::string_view sequence) {
  return sequence.size() == 4 && sequence.starts_with("\xf4\x8f") &&
         static_cast<std::uint8_t>(sequence[2]) >= 0xbe;
}

void append_stand_ins(std::string_view bytes, std::string* out) {
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    *out += "\\udbff\\udf";
    *out += {kHexDigits[byte >> 4], kHexDigits[byte & 0xf]};
  }
}

void append_ascii(char c, std::string* out) {
  switch (c) {
    case '"':
    case '\\':
      *out += {'\\', c};
      break;
    case '\b':
      *out += "\\b";
      break;
    case '\f':
      *out += "\\f";
      break;
    case '\n':
      *out += "\\n";
      break;
    case '\r':
      *out += "\\r";
      break;
    case '\t':
      *out += "\\t";
      break;
    default:
      if (c >= 0x20 && c != 0x7f) {
        *out += c;
      } else {
        const auto byte = static_cast<std::uint8_t>(c);
        *out += {'\\', 'u', '0', '0', kHexDigits[byte >> 4], kHexDigits[byte & 0xf]};
      }
  }
}

}  // namespace

void append_json_string(std::string_view bytes, std::string* out) {
  *out += '"';
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes, 0);
    const std::string_view sequence = bytes.substr(0, std::max<std::size_t>(length, 1));
    if (length == 1) {
      append_ascii(bytes.front(), out);
    } else if (length == 0 || is_stand_in(sequence)) {
      append_stand_ins(sequence, out);
    } else {
      *out += sequence;
    }
    bytes.remove_prefix(sequence.size());
  }
  *out += '"';
}

std::optional<std::string> bytes_of_json_text(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text, 0);
    if (length == 0) return std::nullopt;
    const std::string_view sequence = text.substr(0, length);
    if (is_stand_in(sequence)) {
      // The low byte of the code point: two bits of the third byte, six of the fourth.
      const auto third = static_cast<std::uint8_t>(sequence[2]);
      const auto fourth = static_cast<std::uint8_t>(sequence[3]);
      bytes += static_cast<char>((third & 0x3) << 6 | (fourth & 0x3f));
    } else {
      bytes += sequence;
    }
    text.remove_prefix(length);
  }
  return bytes;
}

JsonLine::JsonLine(std::string* out) : out_(out) { *out_ += '{'; }

void JsonLine::begin_field(std::string_view name) {
  if (!first_) *out_ += ',';
  first_ = false;
  append_json_string(name, out_);
  *out_ += ':';
}

void JsonLine::add_text(std::string_view name, std::string_view bytes) {
  begin_field(name);
  append_json_string(bytes, out_);
}

void JsonLine::add_number(std::string_view name, std::string_view number) {
  begin_field(name);
  *out_ += number;
}

void JsonLine::end() { *out_ += "}\n"; }

}  // namespace gorun::jobs
