#include "jobs/records/json_shapes.h"

#include <algorithm>
#include <utility>

namespace gorun::jobs {
namespace {

// Documents after which it is judged whether trying is worth its time: it is from one match in four
// on, about.
constexpr std::size_t kTrial = 256;
constexpr std::size_t kMostPassed = std::size_t{1} << 15;
constexpr std::size_t kLongestWait = 255;

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
  if (++tried_ >= kTrial) judge();
  if (!is_inside(begin) && !move_window(begin)) return kNoMatch;
  for (;;) {
    const std::size_t at = begin - window_;
    std::size_t mark = mark_;
    while (mark < marks_->count() && (*marks_)[mark] < at) ++mark;
    at_ = at;
    mark_ = mark;
    const JsonShape::Match match = lines == JsonLines::kEnd
                                       ? try_all<JsonLines::kEnd>(at, mark, tokens.data())
                                       : try_all<JsonLines::kBlank>(at, mark, tokens.data());
    if (match.is_whole()) [[likely]] {
      ++matched_;
      at_ = match.at;
      mark_ = match.mark;
      return window_ + match.at;
    }
    if (!match.is_cut() || begin == window_ || !move_window(begin)) return kNoMatch;
  }
}

// The shape that matched last, or one of the others; cut if some shape may match in another window.
template <JsonLines kLines>
[[gnu::always_inline]] inline JsonShape::Match JsonShapes::try_all(std::size_t at, std::size_t mark,
                                                                   JsonToken* tokens) {
  const JsonWindow window = {text_.data() + window_, text_.data() + text_.size(), *marks_};
  const JsonShape& last = *shapes_.front().shape;
  bool is_cut = false;
  if (kLines == JsonLines::kBlank || !last.has_line_feed()) {
    const JsonShape::Match match = last.match<kLines>(window, at, mark, tokens);
    if (match.is_whole() && shapes_.front().has_matched) [[likely]]
      return match;
    is_cut = match.is_cut();
  }
  return try_others<kLines>(window, at, mark, tokens, is_cut);
}

template <JsonLines kLines>
[[gnu::noinline]] JsonShape::Match JsonShapes::try_others(const JsonWindow& window, std::size_t at,
                                                          std::size_t mark, JsonToken* tokens,
                                                          bool is_cut) {
  // One that has not matched before is tried again: that it does is to be noted.
  for (std::size_t i = shapes_.front().has_matched ? 1 : 0; i < shape_count_; ++i) {
    Held& held = shapes_[i];
    if (kLines == JsonLines::kEnd && held.shape->has_line_feed()) continue;
    const JsonShape::Match match = held.shape->match<kLines>(window, at, mark, tokens);
    if (match.is_whole()) {
      if (!std::exchange(held.has_matched, true)) learn_wait_ = 0;
      const auto first = shapes_.begin();
      if (i > 0)
        std::rotate(first, first + static_cast<std::ptrdiff_t>(i),
                    first + static_cast<std::ptrdiff_t>(i) + 1);
      return match;
    }
    is_cut = is_cut || match.is_cut();
  }
  return {0, is_cut ? JsonShape::Match::kCut : JsonShape::Match::kNo};
}

void JsonShapes::judge() {
  const bool is_worth_it = matched_ >= tried_ / 4;
  pass_ = is_worth_it ? kLeastPassed : std::min(2 * pass_, kMostPassed);
  if (!is_worth_it) to_pass_ = pass_;
  tried_ = matched_ = 0;
}

void JsonShapes::missed(std::size_t begin, std::size_t end, std::span<const JsonToken> tokens) {
  // Of a text without another document nothing is to be learnt.
  if (!is_on_ || to_pass_ > 0 || text_.size() - end < JsonWindow::kSlack + kBlockBytes) return;
  if (to_learn_ > 0) {
    --to_learn_;
    return;
  }
  to_learn_ = learn_wait_;
  learn_wait_ = std::min(2 * learn_wait_ + 1, kLongestWait);
  auto shape = JsonShape::of(text_.substr(begin, end - begin), tokens);
  if (!shape) return;
  if (shape_count_ < kMostShapes) ++shape_count_;
  shapes_[shape_count_ - 1] = {std::make_unique<const JsonShape>(*std::move(shape)), false};
  std::rotate(shapes_.begin(), shapes_.begin() + static_cast<std::ptrdiff_t>(shape_count_) - 1,
              shapes_.begin() + static_cast<std::ptrdiff_t>(shape_count_));
}

}  // namespace gorun::jobs
