#include "jobs/source.h"

#include <algorithm>
#include <utility>

#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

// Small enough that counting one block is cheap, large enough that the index is not: 8 bytes
// of it for each 4 KiB of text.
constexpr std::size_t kBlockBytes = 4096;

std::size_t count_code_points(std::string_view text) {
  // Every byte but a continuation byte begins a code point.
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !is_utf8_continuation(c); }));
}

}  // namespace

std::string to_string(Position position) {
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

Source::Source(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  line_begins_.push_back(0);
  for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1)) {
    line_begins_.push_back(at + 1);
  }
  std::size_t count = 0;
  for (std::size_t begin = 0; begin <= text_.size(); begin += kBlockBytes) {
    code_points_before_.push_back(count);
    count += count_code_points(std::string_view(text_).substr(begin, kBlockBytes));
  }
}

std::size_t Source::code_points_before(std::size_t offset) const {
  const std::size_t block = offset / kBlockBytes;
  const std::size_t begin = block * kBlockBytes;
  return code_points_before_[block] + count_code_points(text().substr(begin, offset - begin));
}

Position Source::position(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto next = std::ranges::upper_bound(line_begins_, offset);
  const auto line = static_cast<std::size_t>(next - line_begins_.begin());
  const std::size_t line_begin = line_begins_[line - 1];
  return {line, code_points_before(offset) - code_points_before(line_begin) + 1};
}

ByteRange Source::line_range(std::size_t line) const {
  const std::size_t begin = line_begins_[line - 1];
  if (line == line_begins_.size()) return {begin, text_.size()};
  std::size_t end = line_begins_[line] - 1;
  if (end > begin && text_[end - 1] == '\r') --end;
  return {begin, end};
}

}  // namespace gorun::jobs
