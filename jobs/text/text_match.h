// jobs/text/text_match.h - whether a regular expression matches somewhere in a text.
//
// Answers as RE2::PartialMatch does, in the cheapest of three ways: a literal with or without "^"
// and "$" is compared; an expression that is simple enough goes through a table (small_dfa.h) if
// the text is short; RE2 does the rest.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/text/small_dfa.h"

namespace re2 {
class RE2;
}

namespace gorun::jobs {

/// threads  one at a time: RE2 builds its automaton while it matches, under a lock that threads
///          would share.
class TextMatch {
 public:
  /// pattern  an expression that RE2 takes.
  explicit TextMatch(std::string pattern);
  ~TextMatch();
  TextMatch(TextMatch&&) noexcept;
  TextMatch& operator=(TextMatch&&) noexcept;

  [[nodiscard]] bool matches(std::string_view text) {
    if (literal_) return has_literal(text);
    // From here on RE2's way to its loop is short beside the loop, and it may skip to a prefix.
    constexpr std::size_t kShort = 256;
    if (dfa_ && text.size() <= kShort) {
      const SmallDfa::Verdict verdict = dfa_->search(text);
      if (verdict != SmallDfa::Verdict::kUnknown) return verdict == SmallDfa::Verdict::kYes;
    }
    return ask_re2(text);
  }

 private:
  struct Literal {
    std::string text;
    bool is_at_begin = false;
    bool is_at_end = false;
  };
  [[nodiscard]] static std::optional<Literal> literal_of(std::string_view pattern);
  [[nodiscard]] bool has_literal(std::string_view text) const;
  [[nodiscard]] bool ask_re2(std::string_view text);

  std::string pattern_;
  std::optional<Literal> literal_;
  std::optional<SmallDfa> dfa_;
  std::unique_ptr<re2::RE2> regex_;  // nullptr: nobody asked it yet
};

}  // namespace gorun::jobs
