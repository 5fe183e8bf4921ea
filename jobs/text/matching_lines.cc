#include "jobs/text/matching_lines.h"

#include <re2/re2.h>

#include <algorithm>
#include <string>

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

// As find_match(), but somewhere in the line that matches.
std::size_t MatchingLines::find_line_with_literal() {
  for (std::size_t from = at_; from < text_.size();) {
    const LiteralSearch::Hit hit = pattern_.literal_->find(text_.substr(from));
    lines_ += hit.lines;
    const auto at = static_cast<std::size_t>(hit.at - text_.data());
    if (at == text_.size()) break;
    const std::size_t feed = at == 0 ? std::string_view::npos : text_.rfind('\n', at - 1);
    const std::size_t begin = feed == std::string_view::npos ? 0 : feed + 1;
    const std::size_t end = std::min(text_.find('\n', at), text_.size());
    if (pattern_.matches_line(text_.substr(begin, end - begin))) return at;
    lines_ += end < text_.size() ? 1 : 0;
    from = end + 1;
  }
  return text_.size();
}

// Where a match begins, at_ or later; the size of the text: there is none. Counts the lines before.
std::size_t MatchingLines::find_match() {
  const std::string_view rest = text_.substr(at_);
  if (pattern_.literal_ && pattern_.regex_) return find_line_with_literal();
  if (pattern_.literal_) {
    const LiteralSearch::Hit hit = pattern_.literal_->find(rest);
    lines_ += hit.lines;
    return static_cast<std::size_t>(hit.at - text_.data());
  }
  re2::StringPiece match;
  std::size_t begin = rest.size();
  if (pattern_.regex_->Match({rest.data(), rest.size()}, 0, rest.size(), RE2::UNANCHORED, &match,
                             1)) {
    begin = static_cast<std::size_t>(match.data() - rest.data());
    // An empty match behind the last line end is in no line; in a last line without one it is.
    if (begin == rest.size() && rest.back() != '\n') begin = rest.rfind('\n') + 1;
  }
  lines_ += static_cast<std::uint64_t>(
      std::count(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
  return at_ + begin;
}

std::size_t MatchingLines::next(std::span<std::string_view> records) {
  std::size_t count = 0;
  while (count < records.size() && at_ < text_.size()) {
    const std::size_t match = find_match();
    if (match == text_.size()) {
      at_ = text_.size();
      lines_ += text_.back() == '\n' ? 0 : 1;
      break;
    }
    std::size_t begin = match;
    while (begin > at_ && text_[begin - 1] != '\n') --begin;
    const std::size_t end = std::min(text_.find('\n', match), text_.size());
    records[count++] = text_.substr(begin, end - begin);
    ++lines_;
    at_ = end + 1;
  }
  return count;
}

}  // namespace gorun::jobs
