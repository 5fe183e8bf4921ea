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

}  // namespace

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
  return made;
}

// Where a match begins, at_ or later; the size of the text: there is none. Counts the lines before.
std::size_t MatchingLines::find_match() {
  const std::string_view rest = text_.substr(at_);
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
