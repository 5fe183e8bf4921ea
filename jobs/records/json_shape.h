// jobs/records/json_shape.h - what documents of one source have in common: all but the values.
//
// A document is cut into the text between two values ({"ts":  ,"user":  }) and the values. Another
// one that has the same texts between its values, byte by byte, and values that are none of its
// texts' business (a string, a number, a word, and an array where there was one) parses the same
// way, whatever the values are: so the grammar is known without being looked at, and so is which of
// the values are wanted. Objects are taken apart; the keys of all of them are in the texts between.
//
// Invariant
//   I1  A document that matches is one that JsonSkimmer's own pass finds kPlain, with the same end
//       and the same tokens. What does not match may be anything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/records/json_marks.h"
#include "jobs/records/json_scan.h"
#include "jobs/records/json_token.h"

namespace gorun::jobs {

/// A window of a text. Behind it kSlack bytes more of the text can be read.
struct JsonWindow {
  static constexpr std::size_t kSlack = JsonMarks::kSlack;
  const char* begin;
  const char* text_end;  // of the whole text, not of the window
  const JsonMarks& marks;
};

/// threads  any; it does not change.
class JsonShape {
 public:
  /// The shape of a document that is kPlain, with the tokens that were found; nothing if it is none
  /// to remember: no object, very long, with escapes in its keys.
  [[nodiscard]] static std::optional<JsonShape> of(std::string_view document,
                                                   std::span<const JsonToken> tokens);

  /// Where a document ends, and the first mark there or behind it; or, in place of the mark, that
  /// it does not match, or that the window ends before it is told. In one register: what goes from
  /// hand to hand by way of the memory, stored in halves and loaded whole, is waited for.
  struct Match {
    static constexpr std::uint32_t kCut = ~std::uint32_t{0} - 1;
    static constexpr std::uint32_t kNo = ~std::uint32_t{0};
    std::uint32_t at;
    std::uint32_t mark;
    [[nodiscard]] bool is_whole() const { return mark < kCut; }
    [[nodiscard]] bool is_cut() const { return mark == kCut; }
  };
  /// Matches the document that begins at `at` in the window.
  /// mark    the first one there or behind it
  /// tokens  of all pointers, and one more at the end: what is in them without a match is nothing.
  template <JsonLines kLines>
  [[nodiscard]] Match match(const JsonWindow& window, std::size_t at, std::size_t mark,
                            JsonToken* tokens) const;

  /// True if a document of this shape goes over lines.
  [[nodiscard]] bool has_line_feed() const { return has_line_feed_; }

 private:
  friend class JsonColumns;
  // A text that is longer makes a document that no shape is made of.
  static constexpr std::size_t kLongestText = 128;
  enum class Value : std::uint8_t {
    kNone,  // the document ends
    kString,
    kNumber,
    kLiteral,
    kArray,
    kMore,  // of FastStep: the text goes on
  };
  // The text before a value, and the value; the last step has none.
  struct Step {
    std::array<std::uint64_t, 2> words;  // the text's first bytes
    std::array<std::uint64_t, 2> masks;
    std::uint16_t length = 0;  // of the text
    std::uint16_t marks = 0;   // in it
    std::uint16_t token = 0;   // that the value becomes
    std::uint16_t rest = 0;    // where the text's other bytes are in rests_
    Value value = Value::kNone;
    char next = '\0';  // what comes behind the value
  };
  static constexpr std::size_t kInline = sizeof(Step::words);
  // The same for as long as every value is of the kind of the first document's, and in its simplest
  // form. The quotes of a string belong to the texts before and behind it, so that where it
  // ends is known from the marks, and that it does from the next text.
  struct FastStep {
    alignas(16) std::array<char, 16> text;  // or a part of it
    alignas(16) std::array<char, 16> any;   // 0xff: whatever stands there
    std::uint8_t length = 0;
    std::uint8_t offset = 0;  // in the whole text
    std::uint16_t slow = 0;   // the step in steps_
    std::uint16_t marks = 0;  // before the text, its leading quote among them
    std::uint16_t close = 0;  // the mark that ends the value, a string
    std::uint16_t token = 0;
    Value value = Value::kNone;
    char next = '\0';
    bool is_wanted = false;
    bool is_behind_string = false;
  };
  static_assert(sizeof(FastStep) == 48);

  class Builder;
  void make_fast_steps();
  static bool is_text_at(const char* at, const FastStep& step);
  template <JsonLines kLines>
  Match match_slowly(const JsonWindow& window, std::size_t first, std::size_t at, std::size_t mark,
                     JsonToken* tokens) const;
  template <JsonLines kLines>
  Match take_other(const JsonWindow& window, const Step& step, std::size_t at, std::size_t mark,
                   JsonToken* tokens) const;

  std::vector<Step> steps_;
  std::string rests_;
  std::vector<FastStep> fast_steps_;
  std::size_t marks_ = 0;  // in a document, without those in arrays
  std::size_t tokens_ = 0;
  std::vector<std::size_t> absent_;                 // tokens that no document of this shape has
  std::vector<std::array<std::size_t, 2>> copies_;  // a token, and one that is the same
  bool has_line_feed_ = false;
};

// Of true, false and null; 0: it is none. Without a branch on which: nobody could predict it.
inline std::size_t json_word_length(const char* at) {
  std::uint32_t word;
  std::uint32_t rest;
  std::memcpy(&word, at, sizeof word);
  std::memcpy(&rest, at + 1, sizeof rest);
  const auto is = [](std::uint32_t bytes, const char* text) {
    std::uint32_t wanted;
    std::memcpy(&wanted, text, sizeof wanted);
    return std::size_t{bytes == wanted};
  };
  return 4 * (is(word, "true") | is(word, "null")) + 5 * (is(word, "fals") & is(rest, "alse"));
}

[[gnu::always_inline]] inline bool JsonShape::is_text_at(const char* at, const FastStep& step) {
#if defined(__x86_64__)
  const auto load = [](const char* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  };
  const __m128i same = _mm_cmpeq_epi8(load(at), load(step.text.data()));
  return _mm_movemask_epi8(_mm_or_si128(same, load(step.any.data()))) == 0xffff;
#else
  return ((load_word(at) ^ load_word(step.text.data())) & ~load_word(step.any.data())) == 0 &&
         ((load_word(at + 8) ^ load_word(step.text.data() + 8)) &
          ~load_word(step.any.data() + 8)) == 0;
#endif
}

// Each text but the last has marks, which lie in the window. So behind its end there may be what is
// left of a text, a word and the last text, for which there are bytes enough: there is no need to
// ask at each step where it ends.
template <JsonLines kLines>
[[gnu::always_inline]] inline JsonShape::Match JsonShape::match(const JsonWindow& window,
                                                                std::size_t at, std::size_t mark,
                                                                JsonToken* tokens) const {
  static_assert(2 * kLongestText + 64 <= JsonWindow::kSlack);
  const char* const base = window.begin;
  const JsonMarks& marks = window.marks;
  if (marks.count() - mark < marks_) return {0, Match::kCut};
  const bool has_backslashes = marks.has_backslashes();
  const FastStep* step = fast_steps_.data();
  for (;; ++step) {
    if (!is_text_at(base + at, *step)) break;
    at += step->length;
    const char* const from = base + at;
    if (step->value == Value::kString) {
      const std::size_t close = marks[mark + step->close];
      if (has_backslashes && marks.has_backslash(at, close)) {
        const Match other =
            take_other<kLines>(window, steps_[step->slow], at - 1, mark + step->close - 1, tokens);
        if (!other.is_whole()) return other;
        at = other.at - 1;
        mark = other.mark - step->close - 1;
        continue;
      }
      if (step->is_wanted) tokens[step->token] = {JsonToken::Kind::kString, {from, close - at}};
      at = close;
      continue;
    }
    if (step->value == Value::kNumber) {
      const bool is_negative = *from == '-';
      const std::size_t begin = at + is_negative;
      const unsigned digits = marks.digits(begin);
      const std::size_t end = begin + digits;
      const bool is_odd = digits - 1 >= JsonMarks::kMostDigits - 1 || base[end] != step->next ||
                          (base[begin] == '0' && digits > 1);
      if (!is_odd) [[likely]] {
        if (step->is_wanted) {
          const bool is_integer = digits <= kSafeDigits && !(base[begin] == '0' && is_negative);
          tokens[step->token] = {is_integer ? JsonToken::Kind::kInteger : JsonToken::Kind::kNumber,
                                 {from, end - at}};
        }
        at = end;
        continue;
      }
    }
    if (step->value == Value::kMore) continue;
    if (step->value == Value::kNone) {
      for (const auto& [token, other] : copies_) tokens[other] = tokens[token];
      for (const std::size_t token : absent_) tokens[token] = {};
      return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(mark + marks_)};
    }
    if (step->value == Value::kLiteral) {
      const std::size_t length = json_word_length(from);
      if (length != 0) {
        if (step->is_wanted) tokens[step->token] = {JsonToken::Kind::kLiteral, {from, length}};
        at += length;
        continue;
      }
    }
    const std::size_t before = step[1].marks;
    const Match other = take_other<kLines>(window, steps_[step->slow], at, mark + before, tokens);
    if (!other.is_whole()) return other;
    at = other.at;
    mark = other.mark - before;
  }
  // What comes before this text is as it should be, once a string is closed by a quote.
  at -= step->offset;
  if (step->is_behind_string && base[at] != '"') return {0, Match::kNo};
  return match_slowly<kLines>(window, step->slow, at + step->is_behind_string, mark + step->marks,
                              tokens);
}

}  // namespace gorun::jobs
