// jobs/text/matching_lines.h - the lines of a text in which an expression matches, without cutting
// the others.
//
// Cutting a line and asking an automaton costs tens of nanoseconds, and most lines match nothing.
// So the whole text is searched, and only where something is found are the ends of its line looked
// for; where the number of lines is all that is wanted, not even there. An expression that is a
// literal is searched for with vectors (jobs/text/literal_search.h). Of one that no line matches
// without a certain literal, that literal is searched for, and only the lines that have it are
// asked. Another one is searched for by RE2, with "^" and "$" at the ends of lines and no match
// across them. Not every expression means the same in a whole text as in a line by itself: "\A" and
// "\z", and flags that change what "^" is. For these compile() makes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "jobs/text/literal_search.h"
#include "jobs/text/small_dfa.h"

namespace re2 {
class RE2;
}

namespace gorun::jobs {

/// threads  const methods from any thread, though threads that use one of their own never wait for
///          each other's automata.
class LinePattern {
 public:
  /// pattern  RE2 syntax, known to compile.
  [[nodiscard]] static std::optional<LinePattern> compile(std::string_view pattern);
  ~LinePattern();
  LinePattern(LinePattern&&) noexcept;
  LinePattern& operator=(LinePattern&&) noexcept;

  /// True if the text may change while its lines are counted: each is counted, or not, as it was at
  /// some time. RE2 that looks for the place of a match goes over it twice and complains if it does
  /// not find again what it has found.
  [[nodiscard]] bool bears_changes() const { return literal_.has_value(); }

 private:
  friend class MatchingLines;
  LinePattern();

  [[nodiscard]] bool matches_line(std::string_view line) const;

  std::optional<LiteralSearch> literal_;  // what a line has to have; nothing: nobody knows
  std::unique_ptr<re2::RE2> regex_;       // nullptr: the literal is enough
  std::optional<SmallDfa> dfa_;           // of the same, where there is one
};

/// A literal that is in every line that `pattern` matches, the longest one that is plain to see;
/// empty: none of a useful length is. Of an expression without flags.
[[nodiscard]] std::string required_literal(std::string_view pattern);

/// Cuts the lines that match, in their order.
///
/// threads  one at a time. The text and the pattern must outlive this and the records.
class MatchingLines {
 public:
  MatchingLines(const LinePattern& pattern, std::string_view text);

  /// Writes up to records.size() lines, without their line ends, and returns how many; 0 at the
  /// end.
  [[nodiscard]] std::size_t next(std::span<std::string_view> records);
  /// How many there are. Instead of next().
  [[nodiscard]] std::uint64_t count();
  /// At the end: the lines of the text, matching or not.
  [[nodiscard]] std::uint64_t lines();

 private:
  [[nodiscard]] std::size_t find_match();
  [[nodiscard]] std::size_t find_literal();
  [[nodiscard]] std::size_t find_regex();
  [[nodiscard]] std::string_view line_around(std::size_t at) const;

  const LinePattern& pattern_;
  const std::string_view text_;
  std::size_t at_ = 0;               // where the next line to be looked at begins
  std::optional<LiteralScan> scan_;  // nothing: no literal is known
};

}  // namespace gorun::jobs
