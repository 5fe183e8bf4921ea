// jobs/text/literal_search.h - where a literal occurs in a text, and how many lines it is in.
//
// The positions at which three bytes of the literal fit, those that are rarest in texts, are found
// with vectors (jobs/text/literal_masks.h), some thousand at a time; only there is the rest of it
// compared. Line feeds are counted in the same pass, so that who looks for lines knows how many he
// did not look at; and who wants no more than the number of lines has it without a look at any.
// Not chosen: memmem(3), which knows nothing of lines; a second pass that counts them costs half as
// much again. A call for each occurrence that begins anew behind the last one: where every line has
// one, each position was compared many times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "jobs/text/literal_masks.h"

namespace gorun::jobs {

/// threads  const methods from any thread.
class LiteralSearch {
 public:
  /// literal  at least one byte, and no line feed.
  /// level    at most best_vector_level(); for tests and benchmarks.
  explicit LiteralSearch(std::string literal, VectorLevel level = best_vector_level());

  [[nodiscard]] const std::string& literal() const { return literal_; }

 private:
  friend class LiteralScan;

  [[nodiscard]] bool is_at(const char* at) const;

  std::string literal_;
  LiteralProbe probe_;
  VectorLevel level_;
};

/// One pass over a text.
///
/// threads  one at a time. The text and the search must outlive it.
class LiteralScan {
 public:
  LiteralScan(const LiteralSearch& search, std::string_view text);

  /// The first occurrence at `from` or later; nullptr: there is none.
  /// from  in the text, and never before what was asked for last time.
  [[nodiscard]] const char* next(const char* from);

  /// How many lines, or parts of lines, have an occurrence, from the begin. Instead of next().
  [[nodiscard]] std::uint64_t count_lines();

  /// The line feeds of the text, once no more is asked.
  [[nodiscard]] std::uint64_t feeds();

 private:
  bool fill();
  void fill_last(std::size_t positions);
  [[nodiscard]] const char* find_in_window(const char* from) const;
  void drop_false_hits();

  const LiteralSearch& search_;
  const char* const begin_;
  const char* const end_;
  const char* next_;               // the first position of no window yet
  const char* window_;             // the first position of the masks
  std::size_t window_blocks_ = 0;  // of the masks
  const char* counted_;            // up to here
  std::uint64_t feeds_ = 0;
  LiteralMasks masks_;
};

}  // namespace gorun::jobs
