// jobs/format/json_text.h - any bytes as a JSON string, and back.
//
// JSON strings are Unicode; names and lines are bytes. Well-formed UTF-8 stands as it is, with the
// escapes that JSON demands. A byte 0xNN that is no part of well-formed UTF-8 becomes the character
// U+10FFNN, written \udbff\udfNN: for example the name "a\xff" is "a\udbff\udfff". These 128
// characters, U+10FF80 to U+10FFFF, are private and in no font; where a text does hold one, its
// four bytes are written in that way, too. So the way back is one rule: a character from U+10FF80
// on is the byte of its last two digits. Every JSON reader accepts what is written, and no two
// byte strings are written alike. In Python:
//
//   b"".join(bytes([ord(c) & 255]) if ord(c) >= 0x10ff80 else c.encode() for c in text)
//
// Not chosen: lone surrogates, which strict readers refuse and jq turns into U+FFFD; U+FFFD itself,
//   which loses the byte; base64 in another field, which the reader must know to look for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// Appends `bytes` as a JSON string with its quotes.
void append_json_string(std::string_view bytes, std::string* out);

/// The bytes that append_json_string() was given, from the UTF-8 text that a JSON reader made of
/// the string; nothing if that is not UTF-8.
[[nodiscard]] std::optional<std::string> bytes_of_json_text(std::string_view text);

/// One line of JSON Lines, {"name":value,...}, built field by field into a text.
class JsonLine {
 public:
  /// Appends to `out`, which outlives this.
  explicit JsonLine(std::string* out);

  void add_text(std::string_view name, std::string_view bytes);
  /// `number` is a JSON number as text.
  void add_number(std::string_view name, std::string_view number);
  /// Closes the object and the line. Nothing may be added afterwards.
  void end();

 private:
  void begin_field(std::string_view name);

  std::string* out_;
  bool first_ = true;
};

}  // namespace gorun::jobs
