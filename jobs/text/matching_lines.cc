#include "jobs/text/matching_lines.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <string>

#include "jobs/text/cutter.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kMeta = "\\.+*?()|[]{}^$";

bool may_be_escaped(char c) {
  return c > ' ' && c < '\x7f' && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
         !(c >= 'A' && c <= 'Z');
}

// The text that alone the expression matches.
std::optional<std::string> literal_of(std::string_view pattern) {
  std::string literal;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '\\') {
      if (++i == pattern.size() || !may_be_escaped(pattern[i])) return std::nullopt;
      c = pattern[i];
    } else if (kMeta.find(c) != std::string_view::npos) {
      return std::nullopt;
    }
    if (c == '\n') return std::nullopt;
    literal += c;
  }
  if (literal.empty()) return std::nullopt;
  return literal;
}

// False if it says more than lines can tell; some that do not are taken for such.
bool is_for_lines(std::string_view pattern) {
  for (const std::string_view what : {"(?", "\\A", "\\z", "\\Q", "\\C"}) {
    if (pattern.find(what) != std::string_view::npos) return false;
  }
  return true;
}

// Shorter ones are in too many lines to be worth the asking.
constexpr std::size_t kUsefulLiteral = 3;

// Reads an expression for what it says one after the other, outside of groups and alternatives.
class LiteralFinder {
 public:
  explicit LiteralFinder(std::string_view pattern) : rest_(pattern) {}

  std::string find() {
    while (!rest_.empty()) {
      if (!read_atom()) return {};
    }
    end_run();
    return best_;
  }

 private:
  // False: what follows is not understood, or nothing is required.
  bool read_atom() {
    const char c = take();
    switch (c) {
      case '|':
        return false;
      case '(':
        end_run();
        return skip_group() && skip_repeats();
      case '[':
        end_run();
        return skip_class() && skip_repeats();
      case '.':
      case '^':
      case '$':
        end_run();
        return skip_repeats();
      case '*':
      case '+':
      case '?':
      case '{':
        return false;  // of nothing
      case '\\':
        return read_escape();
      default:
        return read_literal(c);
    }
  }

  bool read_literal(char c) {
    if (static_cast<unsigned char>(c) >= 0x80 || c == '\n') {
      end_run();  // of a character of several bytes a repeat takes all
      return skip_repeats();
    }
    if (rest_.starts_with('+')) {
      run_ += c;
      end_run();
    } else if (is_repeat_next()) {
      end_run();
    } else {
      run_ += c;
      return true;
    }
    return skip_repeats();
  }

  bool read_escape() {
    if (rest_.empty()) return false;
    const char c = take();
    if (may_be_escaped(c)) return read_literal(c);
    constexpr std::string_view kKnown = "dDwWsSbBtnrfva";
    if (kKnown.find(c) == std::string_view::npos) return false;
    end_run();
    return skip_repeats();
  }

  bool skip_group() {
    for (int depth = 1; !rest_.empty();) {
      const char c = take();
      if (c == '\\') {
        if (rest_.empty() || take() == 'Q') return false;
      } else if (c == '[') {
        if (!skip_class()) return false;
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth == 0) {
        return true;
      }
    }
    return false;
  }

  bool skip_class() {
    if (rest_.starts_with('^')) take();
    if (rest_.starts_with(']')) take();
    while (!rest_.empty()) {
      if (rest_.starts_with("[:")) {
        const std::size_t end = rest_.find(":]");
        if (end == std::string_view::npos) return false;
        rest_.remove_prefix(end + 2);
        continue;
      }
      const char c = take();
      if (c == ']') return true;
      if (c == '\\' && (rest_.empty() || take() == 'Q')) return false;
    }
    return false;
  }

  [[nodiscard]] bool is_repeat_next() const {
    return !rest_.empty() && std::string_view("*+?{").find(rest_.front()) != std::string_view::npos;
  }

  bool skip_repeats() {
    while (is_repeat_next()) {
      if (take() != '{') continue;
      const std::size_t end = rest_.find('}');
      // A brace that is no repeat is a literal.
      if (end == std::string_view::npos || end == 0 ||
          rest_.substr(0, end).find_first_not_of("0123456789,") != std::string_view::npos) {
        return false;
      }
      rest_.remove_prefix(end + 1);
    }
    return true;
  }

  void end_run() {
    if (run_.size() > best_.size()) best_ = run_;
    run_.clear();
  }

  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view rest_;
  std::string run_;
  std::string best_;
};

}  // namespace

std::string required_literal(std::string_view pattern) {
  std::string literal = LiteralFinder(pattern).find();
  return literal.size() < kUsefulLiteral ? std::string() : literal;
}

LinePattern::LinePattern() = default;
LinePattern::~LinePattern() = default;
LinePattern::LinePattern(LinePattern&&) noexcept = default;
LinePattern& LinePattern::operator=(LinePattern&&) noexcept = default;

std::optional<LinePattern> LinePattern::compile(std::string_view pattern) {
  LinePattern made;
  if (auto literal = literal_of(pattern)) {
    made.literal_.emplace(std::move(*literal));
    return made;
  }
  if (!is_for_lines(pattern)) return std::nullopt;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_never_nl(true);
  made.regex_ = std::make_unique<RE2>("(?m:" + std::string(pattern) + ")", options);
  if (!made.regex_->ok()) return std::nullopt;
  if (std::string literal = required_literal(pattern); !literal.empty()) {
    made.literal_.emplace(std::move(literal));
    made.dfa_ = SmallDfa::compile(pattern);
  }
  return made;
}

// `line` has what it has to have.
bool LinePattern::matches_line(std::string_view line) const {
  if (dfa_) {
    const SmallDfa::Verdict verdict = dfa_->search(line);
    if (verdict != SmallDfa::Verdict::kUnknown) return verdict == SmallDfa::Verdict::kYes;
  }
  return regex_->Match({line.data(), line.size()}, 0, line.size(), RE2::UNANCHORED, nullptr, 0);
}

MatchingLines::MatchingLines(const LinePattern& pattern, std::string_view text)
    : pattern_(pattern), text_(text) {
  if (pattern.literal_) scan_.emplace(*pattern.literal_, text);
}

// Somewhere in the next line that matches, from at_ on; the size of the text: there is none.
std::size_t MatchingLines::find_match() { return scan_ ? find_literal() : find_regex(); }

std::size_t MatchingLines::find_literal() {
  for (std::size_t from = at_; from < text_.size();) {
    const char* const found = scan_->next(text_.data() + from);
    if (found == nullptr) break;
    const auto at = static_cast<std::size_t>(found - text_.data());
    if (!pattern_.regex_) return at;
    const std::string_view line = line_around(at);
    if (pattern_.matches_line(line)) return at;
    from = static_cast<std::size_t>(line.data() - text_.data()) + line.size() + 1;
  }
  return text_.size();
}

std::size_t MatchingLines::find_regex() {
  const std::string_view rest = text_.substr(at_);
  re2::StringPiece match;
  std::size_t begin = rest.size();
  if (pattern_.regex_->Match({rest.data(), rest.size()}, 0, rest.size(), RE2::UNANCHORED, &match,
                             1)) {
    begin = static_cast<std::size_t>(match.data() - rest.data());
    // An empty match behind the last line end is in no line; in a last line without one it is.
    if (begin == rest.size() && rest.back() != '\n') begin = rest.rfind('\n') + 1;
  }
  return at_ + begin;
}

// The line that the byte at `at` is in or ends, which begins at at_ or later.
std::string_view MatchingLines::line_around(std::size_t at) const {
  std::size_t begin = at;
  while (begin > at_ && text_[begin - 1] != '\n') --begin;
  const std::size_t end = std::min(text_.find('\n', at), text_.size());
  return text_.substr(begin, end - begin);
}

std::size_t MatchingLines::next(std::span<std::string_view> records) {
  std::size_t count = 0;
  while (count < records.size() && at_ < text_.size()) {
    const std::size_t match = find_match();
    if (match == text_.size()) {
      at_ = match;
      break;
    }
    const std::string_view line = line_around(match);
    records[count++] = line;
    at_ = static_cast<std::size_t>(line.data() - text_.data()) + line.size() + 1;
  }
  return count;
}

std::uint64_t MatchingLines::count() {
  if (scan_ && !pattern_.regex_) return scan_->count_lines();
  std::uint64_t all = 0;
  std::array<std::string_view, 64> some;
  while (const std::size_t count = next(some)) all += count;
  return all;
}

std::uint64_t MatchingLines::lines() {
  if (!scan_) return count_lines(text_);
  return scan_->feeds() + (text_.empty() || text_.back() == '\n' ? 0 : 1);
}

}  // namespace gorun::jobs
