#include "jobs/format/quote.h"

#include <algorithm>
#include <cstdint>

#include "jobs/format/hex.h"
#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

bool is_control(std::string_view sequence) {
  const auto first = static_cast<std::uint8_t>(sequence[0]);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
  // U+0080 to U+009F, which some terminals obey.
  return sequence.size() == 2 && first == 0xc2 && static_cast<std::uint8_t>(sequence[1]) < 0xa0;
}

void append_hex(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    out += {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 0xf]};
  }
}

// Three octal digits, for a shorter escape would swallow a digit that follows.
void append_octal(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    out += {'\\', static_cast<char>('0' + (byte >> 6)), static_cast<char>('0' + (byte >> 3 & 7)),
            static_cast<char>('0' + (byte & 7))};
  }
}

// The escape letter of the control characters that have one in C; 0: none.
char escape_letter(char c) {
  switch (c) {
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    default:
      return 0;
  }
}

// Calls visit(sequence, plain) for each character: plain means well-formed and not a control.
template <class Visit>
void for_each_character(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text, 0);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    visit(sequence, length != 0 && !is_control(sequence));
    text.remove_prefix(sequence.size());
  }
}

bool is_plain_in_shell(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("@%+=:,./_-").find(c) != std::string_view::npos;
}

}  // namespace

std::string quote_for_message(std::string_view text) {
  std::string out = "\"";
  for_each_character(text, [&](std::string_view sequence, bool plain) {
    if (sequence == "\"" || sequence == "\\") {
      out += '\\';
      out += sequence;
    } else if (plain) {
      out += sequence;
    } else if (const char letter = escape_letter(sequence[0]); letter != 0) {
      out += {'\\', letter};
    } else {
      append_hex(out, sequence);
    }
  });
  out += '"';
  return out;
}

std::string quote_for_shell(std::string_view word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain_in_shell)) {
    return std::string(word);
  }
  bool plain_only = true;
  for_each_character(word, [&](std::string_view, bool plain) { plain_only &= plain; });
  std::string out = plain_only ? "'" : "$'";
  for_each_character(word, [&](std::string_view sequence, bool plain) {
    if (plain_only) {
      out += sequence == "'" ? std::string_view("'\\''") : sequence;
    } else if (sequence == "'" || sequence == "\\") {
      out += '\\';
      out += sequence;
    } else if (plain) {
      out += sequence;
    } else if (const char letter = escape_letter(sequence[0]); letter != 0) {
      out += {'\\', letter};
    } else {
      append_octal(out, sequence);
    }
  });
  out += '\'';
  return out;
}

std::string quote_for_shell(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += quote_for_shell(word);
  }
  return out;
}

}  // namespace gorun::jobs
