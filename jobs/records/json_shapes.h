// jobs/records/json_shapes.h - the shapes of the documents of a text that were seen of late.
//
// A document is compared with the shape that followed, the last time, the one of the document
// before it, so that a few that take turns are met as surely as one alone; then with the others; if
// it has none of them, whoever skims it in the long way tells what it found, and a shape is made of
// that. Both may be in vain, and are paid for by matches:
//
//   tries   One that fails costs about what one and a half matches save. Where they spend more than
//           matches earn, some thousand documents are let pass before it is tried again, and more
//           each time until it pays.
//   shapes  Making one costs what a dozen matches save; a hundred have to be seen for each, once a
//           few were made on credit. None gives way to a new one while it matches now and then: of
//           more shapes than there is room for the first ones stay, rather than each being lost
//           just before it is back.
//
// Where one shape follows itself, documents are compared side by side (json_columns.h), once some
// were matched one by one; if that fails, more are before it is tried again, and each time more.
//
// Invariant
//   I1  What match() says of a document does not depend on what was seen before, but for whether it
//       says anything (JsonShape, I1).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "jobs/records/json_columns.h"
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
    refused_ = kNoMatch;
  }

  /// Where the document ends that begins at text[begin], and its tokens; kNoMatch: it has none of
  /// the shapes, or it was not tried.
  /// tokens  of all pointers, and one more that is nobody's.
  [[nodiscard]] std::size_t match(std::size_t begin, JsonLines lines, std::span<JsonToken> tokens);
  /// Matches documents that follow each other, with blanks or nothing between them, as long as they
  /// have one of the shapes. Documents of a text that is one array are none of these.
  /// to  bool take(begin, end)  takes a document, which has `tokens`; false: no more are wanted
  ///     std::size_t room()     so many more are wanted at most
  ///     JsonColumns::Places places(begin)  for the next ones; the window begins at text[begin]
  ///     void took(count)       takes so many, which were written there
  /// returns  where the next one begins, which may be none
  template <JsonLines kLines, class To>
  std::size_t match_alike(std::size_t begin, std::span<JsonToken> tokens, To& to);
  // Not an optional: see JsonShape::Match.
  static constexpr std::size_t kNoMatch = static_cast<std::size_t>(-1);
  /// A document for which match() said kNoMatch is kPlain and has these tokens.
  void missed(std::size_t begin, std::size_t end, std::span<const JsonToken> tokens);

  /// What was done so far, maybe in vain: shapes that were made, tries that failed.
  [[nodiscard]] std::size_t made() const { return made_; }
  [[nodiscard]] std::size_t failed() const { return failed_; }
  /// Documents that matched side by side.
  [[nodiscard]] std::size_t side_by_side() const { return side_by_side_; }

 private:
  static constexpr std::size_t kMostShapes = 16;
  static constexpr std::size_t kLeastPassed = 4096;
  static constexpr std::int64_t kTrial = 1024;         // of credit_
  static constexpr std::size_t kMatchesByShape = 128;  // to be seen before another one is made
  static constexpr std::size_t kMostLessons = kMostShapes * kMatchesByShape;
  struct Held {
    std::unique_ptr<const JsonShape> shape;
    std::size_t after = 0;                              // the one that followed last
    std::size_t failed = 0;                             // tries since it matched
    std::optional<JsonColumns> columns = std::nullopt;  // once they were asked for, if there are
    bool has_columns = true;                            // as far as is known
  };
  // Documents that are matched one by one before they are side by side.
  static constexpr std::size_t kLeastAlone = 16;
  static constexpr std::size_t kMostAlone = 1024;
  static constexpr std::size_t kAloneBehindOther = 4;  // than the one before

  [[nodiscard]] bool is_inside(std::size_t begin) const {
    return has_window_ && begin >= window_ + at_ && begin < window_ + marks_->size();
  }
  [[nodiscard]] JsonWindow window() const {
    return {text_.data() + window_, text_.data() + text_.size(), *marks_};
  }
  bool move_window(std::size_t begin);
  template <class To>
  JsonColumns::Match match_side_by_side(const JsonWindow& window, std::size_t at, std::size_t mark,
                                        std::size_t shape, To& to);
  template <JsonLines kLines>
  JsonShape::Match try_all(const JsonWindow& window, std::size_t at, std::size_t mark,
                           JsonToken* tokens);
  template <JsonLines kLines>
  JsonShape::Match try_others(const JsonWindow& window, std::size_t at, std::size_t mark,
                              JsonToken* tokens, JsonShape::Match expected);
  void settle(std::size_t failed);
  const JsonColumns* columns_of(std::size_t shape);

  const VectorLevel level_;
  bool is_on_;
  std::string_view text_;
  std::unique_ptr<JsonMarks> marks_;  // of the window
  bool has_window_ = false;
  std::size_t window_ = 0;          // where it begins in the text
  std::size_t at_ = 0;              // in it, behind the last document that matched
  std::size_t mark_ = 0;            // the first one there or behind it
  std::size_t refused_ = kNoMatch;  // where a document begins that has none of the shapes
  std::array<Held, kMostShapes> shapes_;
  std::size_t shape_count_ = 0;
  std::size_t last_ = 0;     // the shape of the last document that had one
  std::size_t matched_ = 0;  // documents, since the last settle()
  std::int64_t credit_ = kTrial;
  std::size_t lessons_ = kMostLessons;    // matches that no shape was made for
  std::size_t pass_ = kLeastPassed;       // documents, when credit_ is spent
  std::size_t to_pass_ = 0;               // that are not to be tried
  std::size_t alone_ = kLeastAlone;       // still to be matched one by one
  std::size_t next_alone_ = kLeastAlone;  // when columns fail
  std::size_t made_ = 0;
  std::size_t failed_ = 0;
  std::size_t side_by_side_ = 0;
};

template <JsonLines kLines, class To>
std::size_t JsonShapes::match_alike(std::size_t begin, std::span<JsonToken> tokens, To& to) {
  if (shape_count_ == 0 || to_pass_ > 0 || !is_inside(begin)) return begin;
  const JsonMarks& marks = *marks_;
  const JsonWindow window = this->window();
  std::size_t at = begin - window_;
  std::size_t mark = mark_;
  while (mark < marks.count() && marks[mark] < at) ++mark;
  // In registers while one shape follows itself.
  std::size_t last = last_;
  std::size_t next = shapes_[last].after;
  const JsonShape* shape = shapes_[next].shape.get();
  std::size_t alone = alone_;
  std::size_t count = 0;
  for (bool wants_more = true; wants_more && at < marks.size();) {
    if (kLines == JsonLines::kEnd && shape->has_line_feed()) break;
    if (alone == 0) {
      const JsonColumns::Match some = match_side_by_side(window, at, mark, next, to);
      alone = alone_;
      if (some.count > 0) {
        last = next;
        count += some.count;
        wants_more = to.room() > 0;
        at = some.at;
        mark = some.mark;
        continue;
      }
    } else {
      --alone;
    }
    JsonShape::Match match = shape->match<kLines>(window, at, mark, tokens.data());
    if (match.is_whole()) [[likely]] {
      last = next;
      shapes_[last].failed = 0;
      ++count;
    } else {
      last_ = last;
      matched_ += std::exchange(count, 0);
      match = try_others<kLines>(window, at, mark, tokens.data(), match);
      last = last_;
      if (!match.is_whole()) {
        if (!match.is_cut()) refused_ = window_ + at;
        break;
      }
    }
    wants_more = to.take(window_ + at, window_ + match.at) && to_pass_ == 0;
    at = match.at;
    mark = match.mark;
    while (at < marks.size()) {
      const char c = window.begin[at];
      if (c != '\n' && c != ' ' && c != '\r' && c != '\t') break;
      mark += c == ' ' ? 0 : 1;
      ++at;
    }
    if (shapes_[last].after != next) {
      next = shapes_[last].after;
      shape = shapes_[next].shape.get();
      alone = std::max(alone, kAloneBehindOther);
    }
  }
  alone_ = alone;
  last_ = last;
  matched_ += count;
  at_ = at;
  mark_ = mark;
  return window_ + at;
}

// Documents of this shape; none: they are to be matched one by one, for now.
template <class To>
[[gnu::noinline]] JsonColumns::Match JsonShapes::match_side_by_side(const JsonWindow& window,
                                                                    std::size_t at,
                                                                    std::size_t mark,
                                                                    std::size_t shape, To& to) {
  constexpr JsonColumns::Match kNone = {0, 0, 0};
  const JsonColumns* const columns = columns_of(shape);
  if (columns == nullptr) {
    alone_ = kMostAlone;
    return kNone;
  }
  const std::size_t most = std::min(columns->count_in(window, mark), to.room());
  alone_ = 0;
  if (most < JsonColumns::kLeast) return kNone;
  const JsonColumns::Match some = columns->match(window, at, mark, most, to.places(window_));
  if (some.count == 0) {
    alone_ = next_alone_;
    next_alone_ = std::min(2 * next_alone_, kMostAlone);
    return kNone;
  }
  if (some.count >= kLeastAlone) next_alone_ = kLeastAlone;
  // The one behind them is different, and the one before it may have been left out for that.
  if (some.count < most) alone_ = 2;
  shapes_[shape].failed = 0;
  side_by_side_ += some.count;
  to.took(some.count);
  return some;
}

}  // namespace gorun::jobs
