// jobs/walk/name_glob.h - a pattern for one component of a path.
//
//   *       any run of bytes, also none       [abc] [a-z] [!a] [^a] [[:digit:]]   one byte of a set
//   ?       any one byte                      \x    the byte x itself
//
// Names are bytes and so are patterns: "?" is one byte of a character that UTF-8 writes in two,
// as it is for git. Letters are those of ASCII, whatever the locale. A leading dot is nothing
// special here; who hides dotted names asks begins_with_dot().
//
// The pattern is compiled once into tokens; a name is matched with one point of return for the
// last "*", so no pattern takes more than size(name) x size(pattern) steps.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"

namespace gorun::jobs {

/// Why a text is not a pattern: `what` is one line, such as `"[" without "]"`.
struct GlobError {
  std::string pattern;
  std::string what;
};

/// Immutable; safe to use from any thread.
class NameGlob {
 public:
  /// errors  an open "[", a range that runs backwards, an unknown class, a final "\", a "/".
  [[nodiscard]] static Expected<NameGlob, GlobError> compile(std::string_view pattern);

  [[nodiscard]] bool matches(std::string_view name) const;

  /// True if it matches exactly one name, which is literal().
  [[nodiscard]] bool is_literal() const { return shape_ == Shape::kLiteral; }
  [[nodiscard]] const std::string& literal() const { return literal_; }

  /// True if only names that begin with a dot can match by a dot written in the pattern.
  [[nodiscard]] bool begins_with_dot() const;

 private:
  enum class Shape : std::uint8_t {
    kLiteral,  // literal_
    kSuffix,   // "*" and then literal_: the usual "*.c"
    kTokens,
  };
  struct Token {
    enum class Kind : std::uint8_t { kByte, kAnyByte, kStar, kSet };
    Kind kind = Kind::kByte;
    char byte = 0;          // of kByte
    std::uint32_t set = 0;  // of kSet: index into sets_
  };
  class Compiler;

  NameGlob() = default;
  [[nodiscard]] bool token_matches(const Token& token, char byte) const;

  Shape shape_ = Shape::kTokens;
  std::string literal_;
  std::vector<Token> tokens_;
  std::vector<std::bitset<256>> sets_;
};

}  // namespace gorun::jobs
