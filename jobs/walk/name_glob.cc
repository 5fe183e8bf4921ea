#include "jobs/walk/name_glob.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

namespace gorun::jobs {
namespace {

using ByteSet = std::bitset<256>;

std::size_t index_of(char byte) { return static_cast<std::uint8_t>(byte); }

struct NamedSet {
  std::string_view name;
  bool (*contains)(char byte);
};

constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_graph(char c) { return c > ' ' && c < '\x7f'; }

// The classes of POSIX, in the C locale.
constexpr std::array<NamedSet, 12> kNamedSets = {{
    {"alnum", [](char c) { return is_upper(c) || is_lower(c) || is_digit(c); }},
    {"alpha", [](char c) { return is_upper(c) || is_lower(c); }},
    {"blank", [](char c) { return c == ' ' || c == '\t'; }},
    {"cntrl", [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }},
    {"digit", is_digit},
    {"graph", is_graph},
    {"lower", is_lower},
    {"print", [](char c) { return c == ' ' || is_graph(c); }},
    {"punct", [](char c) { return is_graph(c) && !is_upper(c) && !is_lower(c) && !is_digit(c); }},
    {"space", [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }},
    {"upper", is_upper},
    {"xdigit",
     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }},
}};

}  // namespace

// Reads the pattern from left to right; the first mistake ends it.
class NameGlob::Compiler {
 public:
  explicit Compiler(std::string_view pattern) : pattern_(pattern) {}

  Expected<NameGlob, GlobError> run() {
    while (at_ < pattern_.size() && what_.empty()) read_token();
    if (!what_.empty()) return GlobError{std::string(pattern_), what_};
    choose_shape();
    return std::move(glob_);
  }

 private:
  void read_token() {
    const char c = pattern_[at_++];
    switch (c) {
      case '*':
        // A second star adds nothing.
        if (glob_.tokens_.empty() || glob_.tokens_.back().kind != Token::Kind::kStar) {
          glob_.tokens_.push_back({.kind = Token::Kind::kStar});
        }
        break;
      case '?':
        glob_.tokens_.push_back({.kind = Token::Kind::kAnyByte});
        break;
      case '[':
        read_set();
        break;
      case '/':
        what_ = "\"/\" inside a name";
        break;
      case '\\':
        if (at_ == pattern_.size()) {
          what_ = "\"\\\" at the end";
          break;
        }
        glob_.tokens_.push_back({.byte = pattern_[at_++]});
        break;
      default:
        glob_.tokens_.push_back({.byte = c});
    }
  }

  void read_set() {
    ByteSet set;
    const bool negated = peek('!') || peek('^');
    if (negated) ++at_;
    for (bool first = true;; first = false) {
      if (at_ >= pattern_.size()) {
        what_ = "\"[\" without \"]\"";
        return;
      }
      if (pattern_[at_] == ']' && !first) break;
      if (pattern_.substr(at_, 2) == "[:") {
        if (!read_named_set(&set)) return;
      } else if (!read_range(&set)) {
        return;
      }
    }
    ++at_;
    glob_.tokens_.push_back(
        {.kind = Token::Kind::kSet, .set = static_cast<std::uint32_t>(glob_.sets_.size())});
    glob_.sets_.push_back(negated ? ~set : set);
  }

  bool read_named_set(ByteSet* set) {
    const std::size_t end = pattern_.find(":]", at_ + 2);
    const std::string_view name = end == std::string_view::npos
                                      ? std::string_view()
                                      : pattern_.substr(at_ + 2, end - at_ - 2);
    const auto row =
        std::find_if(kNamedSets.begin(), kNamedSets.end(),
                     [&](const NamedSet& candidate) { return candidate.name == name; });
    if (row == kNamedSets.end()) {
      what_ = "unknown class \"[:" + std::string(name) + ":]\"";
      return false;
    }
    for (std::size_t i = 0; i < 256; ++i) {
      if (row->contains(static_cast<char>(i))) set->set(i);
    }
    at_ = end + 2;
    return true;
  }

  // One byte, or two with a "-" between them.
  bool read_range(ByteSet* set) {
    const std::optional<char> low = read_set_byte();
    if (!low) return false;
    std::optional<char> high = low;
    if (peek('-') && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
      ++at_;
      high = read_set_byte();
      if (!high) return false;
    }
    if (index_of(*low) > index_of(*high)) {
      what_ = "a range that runs backwards";
      return false;
    }
    for (std::size_t i = index_of(*low); i <= index_of(*high); ++i) set->set(i);
    return true;
  }

  std::optional<char> read_set_byte() {
    if (peek('\\')) ++at_;
    if (at_ >= pattern_.size()) {
      what_ = "\"[\" without \"]\"";
      return std::nullopt;
    }
    return pattern_[at_++];
  }

  [[nodiscard]] bool peek(char c) const { return at_ < pattern_.size() && pattern_[at_] == c; }

  void choose_shape() {
    const auto& tokens = glob_.tokens_;
    const bool star_first = !tokens.empty() && tokens.front().kind == Token::Kind::kStar;
    for (const Token& token : std::span(tokens).subspan(star_first ? 1 : 0)) {
      if (token.kind != Token::Kind::kByte) return;
      glob_.literal_ += token.byte;
    }
    glob_.shape_ = star_first ? Shape::kSuffix : Shape::kLiteral;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string what_;
  NameGlob glob_;
};

Expected<NameGlob, GlobError> NameGlob::compile(std::string_view pattern) {
  return Compiler(pattern).run();
}

bool NameGlob::begins_with_dot() const {
  return !tokens_.empty() && tokens_.front().kind == Token::Kind::kByte &&
         tokens_.front().byte == '.';
}

bool NameGlob::token_matches(const Token& token, char byte) const {
  switch (token.kind) {
    case Token::Kind::kByte:
      return token.byte == byte;
    case Token::Kind::kSet:
      return sets_[token.set][index_of(byte)];
    case Token::Kind::kAnyByte:
      return true;
    case Token::Kind::kStar:
      break;  // the caller's affair
  }
  return false;
}

bool NameGlob::matches(std::string_view name) const {
  if (shape_ == Shape::kLiteral) return name == literal_;
  if (shape_ == Shape::kSuffix) return name.ends_with(literal_);
  // Where to go on if the present attempt fails: after the last star, one byte further on. An
  // earlier star need not be tried again, for the last one can take whatever that would.
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t star = kNone;
  std::size_t star_name = 0;
  std::size_t n = 0;
  std::size_t t = 0;
  while (n < name.size()) {
    if (t < tokens_.size() && tokens_[t].kind == Token::Kind::kStar) {
      star = t++;
      star_name = n;
    } else if (t < tokens_.size() && token_matches(tokens_[t], name[n])) {
      ++t;
      ++n;
    } else if (star != kNone) {
      t = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (t < tokens_.size() && tokens_[t].kind == Token::Kind::kStar) ++t;
  return t == tokens_.size();
}

}  // namespace gorun::jobs
