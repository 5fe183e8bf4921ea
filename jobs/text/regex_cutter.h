// jobs/text/regex_cutter.h - the matches of a regular expression in a text, as records.
//
// A match never contains a line feed, and "^" and "$" are the ends of a line. So a text that was
// cut into chunks at line ends gives the same records as the whole, however it was cut; and as
// for `grep -o`, an empty match is no record. RE2's time is linear in the text.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "jobs/expected.h"

namespace re2 {
class RE2;
}

namespace gorun::jobs {

/// A compiled expression in RE2's syntax. Immutable; safe to use from any thread, though threads
/// that use one of their own never wait for each other's caches.
class RecordRegex {
 public:
  /// errors  RE2's message for an expression that does not compile.
  [[nodiscard]] static Expected<RecordRegex, std::string> compile(std::string_view pattern);
  ~RecordRegex();
  RecordRegex(RecordRegex&&) noexcept;
  RecordRegex& operator=(RecordRegex&&) noexcept;

 private:
  friend class RegexCutter;
  explicit RecordRegex(std::unique_ptr<re2::RE2> regex);

  std::unique_ptr<re2::RE2> regex_;
};

/// Cuts the matches, from left to right, none overlapping: each is a record, or its first group
/// is if the expression has one (a match in which that group has no part is left out).
///
/// threads  one at a time. The text and the expression must outlive the cutter and the records.
class RegexCutter {
 public:
  RegexCutter(const RecordRegex& regex, std::string_view text)
      : regex_(*regex.regex_), text_(text) {}

  /// Writes up to records.size() records and returns how many; 0 at the end (or if there is no
  /// room).
  [[nodiscard]] std::size_t next(std::span<std::string_view> records);

 private:
  const re2::RE2& regex_;
  std::string_view text_;
  std::size_t at_ = 0;  // where the next match may begin; past the end: none left
};

}  // namespace gorun::jobs
