// jobs/text/matching_lines.h - the lines of a text in which an expression matches, without cutting
// the others.
//
// Cutting a line and asking an automaton costs tens of nanoseconds, and most lines match nothing.
// So the whole text is searched, and only where something is found are the ends of its line looked
// for. An expression that is a literal is searched for with vectors (jobs/text/literal_search.h),
// another one by RE2, with "^" and "$" at the ends of lines and no match across them.
// Not every expression means the same in a whole text as in a line by itself: "\A" and "\z", and
// flags that change what "^" is. For these compile() makes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "jobs/text/literal_search.h"

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

 private:
  friend class MatchingLines;
  LinePattern();

  std::optional<LiteralSearch> literal_;
  std::unique_ptr<re2::RE2> regex_;  // nullptr: there is a literal
};

/// Cuts the lines that match, in their order.
///
/// threads  one at a time. The text and the pattern must outlive this and the records.
class MatchingLines {
 public:
  MatchingLines(const LinePattern& pattern, std::string_view text)
      : pattern_(pattern), text_(text) {}

  /// Writes up to records.size() lines, without their line ends, and returns how many; 0 at the
  /// end.
  [[nodiscard]] std::size_t next(std::span<std::string_view> records);
  /// At the end: the lines of the text, matching or not.
  [[nodiscard]] std::uint64_t lines() const { return lines_; }

 private:
  [[nodiscard]] std::size_t find_match();

  const LinePattern& pattern_;
  const std::string_view text_;
  std::size_t at_ = 0;  // where the next line to be looked at begins
  std::uint64_t lines_ = 0;
};

}  // namespace gorun::jobs
