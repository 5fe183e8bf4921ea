// jobs/text/small_dfa.h - whether a simple regular expression matches in a short text, by a table.
//
// For a text of ten bytes RE2 spends nearly all its time on the way to its loop and back: caches
// under locks, a second program for the reverse direction. For the expressions that most filters
// have, and texts that are ASCII, the whole automaton fits into a few KiB, one row of 256 states a
// state, and a search is one load a byte.
//
//   expression -> tree -> NFA (Thompson) -> DFA (sets of NFA states, all of them made at once)
//
// The syntax is that of RE2 without options, as far as it is here: literals, ".", classes, \d \w \s
// and their opposites, groups, "|", "*" "+" "?" "{n,m}" also in their lazy forms, "^" "$" \A \z.
// Everything else (\b, (?i), \pL, what is not ASCII, POSIX classes) has no SmallDfa, nor has an
// expression whose table would be large. What "." and [^a] make of bytes that are not ASCII is
// RE2's to say: there a search ends with kUnknown.
//
// Invariant
//   I1  kYes and kNo are what RE2::PartialMatch says (tests/jobs/text/text_match_test.cc compares
//       them on random expressions).
// Prior art: R. Cox, "Regular Expression Matching Can Be Simple And Fast", 2007.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gorun::jobs {

/// Immutable; safe to use from any thread.
class SmallDfa {
 public:
  /// The automaton of `pattern`, which RE2 is known to take; nothing if it is not simple enough.
  [[nodiscard]] static std::optional<SmallDfa> compile(std::string_view pattern);

  enum class Verdict : std::uint8_t { kNo, kYes, kUnknown };
  /// Whether the expression matches somewhere in `text`.
  [[nodiscard]] Verdict search(std::string_view text) const {
    std::size_t state = start_;
    if (state < kFirstState) return static_cast<Verdict>(state);
    for (const char c : text) {
      state = next_[state][static_cast<unsigned char>(c)];
      if (state < kFirstState) return static_cast<Verdict>(state);
    }
    return matches_at_end_[state] ? Verdict::kYes : Verdict::kNo;
  }

 private:
  friend class DfaBuilder;
  using Row = std::array<std::uint8_t, 256>;
  // The numbers below are verdicts: of a state from which nothing more can be found, and so on.
  static constexpr std::size_t kFirstState = 3;
  /// 32 KiB of rows: they have the first-level cache to themselves, or nearly.
  static constexpr std::size_t kMostStates = 128;

  SmallDfa() = default;

  std::vector<Row> next_;             // by state; the first kFirstState are not used
  std::vector<bool> matches_at_end_;  // by state: the end of the text completes a match
  std::uint8_t start_ = 0;
};

}  // namespace gorun::jobs
