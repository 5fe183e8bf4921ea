#include "jobs/records/json_shapes.h"

#include <algorithm>

namespace gorun::jobs {
namespace {

// Of credit: what a match earns and a try that fails costs.
constexpr std::int64_t kEarned = 2;
constexpr std::int64_t kSpent = 3;
constexpr std::int64_t kMostCredit = 2048;
constexpr std::size_t kMostPassed = std::size_t{1} << 15;
// Tries that fail one after the other before a shape is given up; one of as many as there is room
// for, which come in turn, fails once for each at least before it is back.
constexpr std::size_t kMostFailed = 32;

}  // namespace

// Begins a window with text[begin]; false if too little text is left.
bool JsonShapes::move_window(std::size_t begin) {
  has_window_ = false;
  const std::size_t left = text_.size() - begin;
  if (left < JsonWindow::kSlack + kBlockBytes) return false;
  if (!marks_) marks_ = std::make_unique<JsonMarks>();
  const std::size_t blocks = (left - JsonWindow::kSlack) / kBlockBytes;
  marks_->look_at(text_.data() + begin, std::min(blocks, JsonMarks::kMostBlocks), level_);
  window_ = begin;
  at_ = mark_ = 0;
  has_window_ = true;
  return true;
}

std::size_t JsonShapes::match(std::size_t begin, JsonLines lines, std::span<JsonToken> tokens) {
  if (shape_count_ == 0) return kNoMatch;
  if (to_pass_ > 0) {
    --to_pass_;
    return kNoMatch;
  }
  if (begin == refused_) return kNoMatch;
  if (!is_inside(begin) && !move_window(begin)) return kNoMatch;
  for (;;) {
    const std::size_t at = begin - window_;
    std::size_t mark = mark_;
    while (mark < marks_->count() && (*marks_)[mark] < at) ++mark;
    at_ = at;
    mark_ = mark;
    const JsonShape::Match match =
        lines == JsonLines::kEnd ? try_all<JsonLines::kEnd>(window(), at, mark, tokens.data())
                                 : try_all<JsonLines::kBlank>(window(), at, mark, tokens.data());
    if (match.is_whole()) [[likely]] {
      at_ = match.at;
      mark_ = match.mark;
      return window_ + match.at;
    }
    if (!match.is_cut() || begin == window_ || !move_window(begin)) return kNoMatch;
  }
}

// The shape that is expected, or one of the others; cut if some shape may match in another window.
template <JsonLines kLines>
[[gnu::always_inline]] inline JsonShape::Match JsonShapes::try_all(const JsonWindow& window,
                                                                   std::size_t at, std::size_t mark,
                                                                   JsonToken* tokens) {
  const std::size_t next = shapes_[last_].after;
  Held& expected = shapes_[next];
  JsonShape::Match match = {0, JsonShape::Match::kNo};
  if (kLines == JsonLines::kBlank || !expected.shape->has_line_feed()) {
    match = expected.shape->match<kLines>(window, at, mark, tokens);
    if (match.is_whole()) [[likely]] {
      last_ = next;
      expected.failed = 0;
      ++matched_;
      return match;
    }
  }
  return try_others<kLines>(window, at, mark, tokens, match);
}

// expected  what was said of the one that is
template <JsonLines kLines>
[[gnu::noinline]] JsonShape::Match JsonShapes::try_others(const JsonWindow& window, std::size_t at,
                                                          std::size_t mark, JsonToken* tokens,
                                                          JsonShape::Match expected) {
  bool is_cut = expected.is_cut();
  // Near its end a window cuts most of them.
  if (is_cut && at > window.marks.size() / 2) return expected;
  const std::size_t next = shapes_[last_].after;
  std::size_t failed = is_cut ? 0 : 1;
  shapes_[next].failed += failed;
  std::size_t i = 0;
  for (; i < shape_count_; ++i) {
    Held& held = shapes_[i];
    if (i == next || held.failed >= kMostFailed) continue;
    if (kLines == JsonLines::kEnd && held.shape->has_line_feed()) continue;
    const JsonShape::Match match = held.shape->match<kLines>(window, at, mark, tokens);
    if (match.is_whole()) {
      held.failed = 0;
      last_ = shapes_[last_].after = i;
      ++matched_;
      settle(failed);
      return match;
    }
    is_cut = is_cut || match.is_cut();
    if (match.is_cut()) continue;
    ++held.failed;
    ++failed;
  }
  settle(failed);
  return {0, is_cut ? JsonShape::Match::kCut : JsonShape::Match::kNo};
}

template JsonShape::Match JsonShapes::try_others<JsonLines::kBlank>(const JsonWindow&, std::size_t,
                                                                    std::size_t, JsonToken*,
                                                                    JsonShape::Match);
template JsonShape::Match JsonShapes::try_others<JsonLines::kEnd>(const JsonWindow&, std::size_t,
                                                                  std::size_t, JsonToken*,
                                                                  JsonShape::Match);

const JsonColumns* JsonShapes::columns_of(std::size_t shape) {
  Held& held = shapes_[shape];
  if (!held.columns && held.has_columns) {
    held.columns = JsonColumns::of(*held.shape);
    held.has_columns = held.columns.has_value();
  }
  return held.has_columns ? &*held.columns : nullptr;
}

// Takes account of the matches since the last time, and of tries that failed.
void JsonShapes::settle(std::size_t failed) {
  lessons_ = std::min(lessons_ + matched_, kMostLessons);
  credit_ = std::min(credit_ + kEarned * static_cast<std::int64_t>(matched_), kMostCredit);
  if (credit_ == kMostCredit) pass_ = kLeastPassed;
  matched_ = 0;
  failed_ += failed;
  credit_ -= kSpent * static_cast<std::int64_t>(failed);
  if (credit_ > 0) return;
  to_pass_ = pass_;
  pass_ = std::min(2 * pass_, kMostPassed);
  credit_ = kTrial;
  lessons_ = kMostLessons;
}

void JsonShapes::missed(std::size_t begin, std::size_t end, std::span<const JsonToken> tokens) {
  // Of a text without another document nothing is to be learnt.
  if (!is_on_ || to_pass_ > 0 || text_.size() - end < JsonWindow::kSlack + kBlockBytes) return;
  if (lessons_ < kMatchesByShape) return;
  std::size_t slot = shape_count_;
  if (slot == kMostShapes) {
    const auto victim = std::ranges::max_element(shapes_, {}, &Held::failed);
    if (victim->failed < kMostFailed) return;
    slot = static_cast<std::size_t>(victim - shapes_.begin());
  }
  lessons_ -= kMatchesByShape;
  ++made_;
  auto shape = JsonShape::of(text_.substr(begin, end - begin), tokens);
  if (!shape) return;
  shape_count_ = std::max(shape_count_, slot + 1);
  shapes_[slot] = {.shape = std::make_unique<const JsonShape>(*std::move(shape)), .after = slot};
  last_ = shapes_[last_].after = slot;
}

}  // namespace gorun::jobs
