// jobs/records/json_shapes.h - the shapes of the documents of a text that were seen of late.
//
// A document is compared with the shape that matched last, then with the few others; if it has none
// of them, whoever skims it in the long way tells what it found, and a shape is made of that.
// Making one costs more than skimming a document, and so does comparing for nothing: where new
// shapes do not match again they are made more and more rarely, and where most documents match none
// of them, a thousand are let pass before it is tried again, and more the more often that is so.
//
// Invariant
//   I1  What match() says of a document does not depend on what was seen before, but for whether it
//       says anything (JsonShape, I1).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "jobs/records/json_marks.h"
#include "jobs/records/json_scan.h"
#include "jobs/records/json_shape.h"
#include "jobs/records/json_token.h"
#include "jobs/text/byte_class.h"

namespace gorun::jobs {

/// threads  one at a time.
class JsonShapes {
 public:
  /// level  at most best_vector_level(). Without vectors marks take longer than they save.
  explicit JsonShapes(VectorLevel level = best_vector_level())
      : level_(level), is_on_(level != VectorLevel::kPlain) {}

  /// The text that is skimmed; it stays as it is until the next one. Shapes are kept.
  void begin(std::string_view text) {
    text_ = text;
    has_window_ = false;
  }

  /// Where the document ends that begins at text[begin], and its tokens; kNoMatch: it has none of
  /// the shapes, or it was not tried.
  /// tokens  of all pointers, and one more that is nobody's.
  [[nodiscard]] std::size_t match(std::size_t begin, JsonLines lines, std::span<JsonToken> tokens);
  /// Matches documents that follow each other, with blanks or nothing between them, as long as they
  /// have the shape that matched last, and calls take(begin, end) with the tokens of each; false:
  /// no more are wanted. Documents of a text that is one array are none of these.
  /// returns  where the next one begins, which may be none
  template <JsonLines kLines, class Take>
  std::size_t match_alike(std::size_t begin, std::span<JsonToken> tokens, Take take);
  // Not an optional: see JsonShape::Match.
  static constexpr std::size_t kNoMatch = static_cast<std::size_t>(-1);
  /// A document for which match() said kNoMatch is kPlain and has these tokens.
  void missed(std::size_t begin, std::size_t end, std::span<const JsonToken> tokens);

 private:
  static constexpr std::size_t kMostShapes = 4;
  static constexpr std::size_t kLeastPassed = 512;  // doubled before it is used
  struct Held {
    std::unique_ptr<const JsonShape> shape;
    bool has_matched = false;
  };

  [[nodiscard]] bool is_inside(std::size_t begin) const {
    return has_window_ && begin >= window_ + at_ && begin < window_ + marks_->size();
  }
  bool move_window(std::size_t begin);
  template <JsonLines kLines>
  JsonShape::Match try_all(std::size_t at, std::size_t mark, JsonToken* tokens);
  template <JsonLines kLines>
  JsonShape::Match try_others(const JsonWindow& window, std::size_t at, std::size_t mark,
                              JsonToken* tokens, bool is_cut);
  void judge();

  const VectorLevel level_;
  bool is_on_;
  std::string_view text_;
  std::unique_ptr<JsonMarks> marks_;  // of the window
  bool has_window_ = false;
  std::size_t window_ = 0;                // where it begins in the text
  std::size_t at_ = 0;                    // in it, behind the last document that matched
  std::size_t mark_ = 0;                  // the first one there or behind it
  std::array<Held, kMostShapes> shapes_;  // what matched last comes first
  std::size_t shape_count_ = 0;
  std::size_t pass_ = kLeastPassed;  // documents, when trying was not worth it
  std::size_t to_pass_ = 0;          // documents that are not to be tried
  std::size_t tried_ = 0;            // since the last judge()
  std::size_t matched_ = 0;          // of these
  std::size_t to_learn_ = 0;         // documents without a shape until one is made of one
  std::size_t learn_wait_ = 0;       // what to_learn_ is set to then
};

template <JsonLines kLines, class Take>
std::size_t JsonShapes::match_alike(std::size_t begin, std::span<JsonToken> tokens, Take take) {
  const Held& last = shapes_.front();
  if (!last.has_matched || to_pass_ > 0 || !is_inside(begin)) return begin;
  if (kLines == JsonLines::kEnd && last.shape->has_line_feed()) return begin;
  const JsonMarks& marks = *marks_;
  const JsonWindow window = {text_.data() + window_, text_.data() + text_.size(), marks};
  std::size_t at = begin - window_;
  std::size_t mark = mark_;
  while (mark < marks.count() && marks[mark] < at) ++mark;
  std::size_t count = 0;
  for (bool wants_more = true; wants_more && at < marks.size();) {
    const JsonShape::Match match = last.shape->match<kLines>(window, at, mark, tokens.data());
    if (!match.is_whole()) break;
    ++count;
    wants_more = take(window_ + at, window_ + match.at);
    at = match.at;
    mark = match.mark;
    while (at < marks.size()) {
      const char c = window.begin[at];
      if (c != '\n' && c != ' ' && c != '\r' && c != '\t') break;
      mark += c == ' ' ? 0 : 1;
      ++at;
    }
  }
  at_ = at;
  mark_ = mark;
  tried_ += count;
  matched_ += count;
  return window_ + at;
}

}  // namespace gorun::jobs
