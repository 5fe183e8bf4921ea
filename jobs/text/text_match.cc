#include "jobs/text/text_match.h"

#include <re2/re2.h>

#include <utility>

namespace gorun::jobs {

TextMatch::TextMatch(std::string pattern)
    : pattern_(std::move(pattern)), literal_(literal_of(pattern_)) {
  if (!literal_) dfa_ = SmallDfa::compile(pattern_);
}

TextMatch::~TextMatch() = default;
TextMatch::TextMatch(TextMatch&&) noexcept = default;
TextMatch& TextMatch::operator=(TextMatch&&) noexcept = default;

std::optional<TextMatch::Literal> TextMatch::literal_of(std::string_view pattern) {
  constexpr std::string_view kSpecial = "\\.+*?()|[]{}^$";
  Literal literal;
  if (pattern.starts_with('^')) {
    literal.is_at_begin = true;
    pattern.remove_prefix(1);
  }
  while (!pattern.empty()) {
    char c = pattern.front();
    pattern.remove_prefix(1);
    if (c == '$' && pattern.empty()) {
      literal.is_at_end = true;
    } else {
      const bool is_escaped =
          c == '\\' && !pattern.empty() && kSpecial.find(pattern.front()) != std::string_view::npos;
      if (is_escaped) {
        c = pattern.front();
        pattern.remove_prefix(1);
      } else if (kSpecial.find(c) != std::string_view::npos) {
        return std::nullopt;
      }
      literal.text += c;
    }
  }
  return literal;
}

bool TextMatch::has_literal(std::string_view text) const {
  const std::string_view wanted = literal_->text;
  if (literal_->is_at_begin && literal_->is_at_end) return text == wanted;
  if (literal_->is_at_begin) return text.starts_with(wanted);
  if (literal_->is_at_end) return text.ends_with(wanted);
  return text.find(wanted) != std::string_view::npos;
}

bool TextMatch::ask_re2(std::string_view text) {
  if (!regex_) regex_ = std::make_unique<RE2>(pattern_, RE2::Quiet);
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex_);
}

}  // namespace gorun::jobs
