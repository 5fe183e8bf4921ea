#include "jobs/source.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

// Small enough that counting one block is cheap, large enough that the index is not: 8 bytes
// of it for each 4 KiB of text.
constexpr std::size_t kCountedBytes = 4096;

std::size_t count_code_points(std::string_view text) {
  // Every byte but a continuation byte begins a code point.
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !is_utf8_continuation(c); }));
}

}  // namespace

std::string to_string(Position position) {
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

Source::Source(std::string name, std::string text) : text_(std::move(text)) {
  files_.push_back({std::move(name), 0, 0});
  line_begins_.push_back(0);
  index(0);
}

ByteRange Source::append(std::string name, std::string_view text) {
  text_ += '\n';
  const std::size_t begin = text_.size();
  line_begins_.push_back(begin);
  files_.push_back({std::move(name), begin, line_begins_.size() - 1});
  text_ += text;
  index(begin);
  return {begin, text_.size()};
}

// Brings line_begins_ and code_points_before_ up to the end of the text, of which the bytes from
// `begin` on are new.
void Source::index(std::size_t begin) {
  for (std::size_t at = text_.find('\n', begin); at != std::string::npos;
       at = text_.find('\n', at + 1)) {
    line_begins_.push_back(at + 1);
  }
  if (code_points_before_.empty()) code_points_before_.push_back(0);
  for (std::size_t block = code_points_before_.size(); block * kCountedBytes <= text_.size();
       ++block) {
    const std::size_t before = (block - 1) * kCountedBytes;
    code_points_before_.push_back(
        code_points_before_.back() +
        count_code_points(std::string_view(text_).substr(before, kCountedBytes)));
  }
}

std::size_t Source::code_points_before(std::size_t offset) const {
  const std::size_t block = offset / kCountedBytes;
  const std::size_t begin = block * kCountedBytes;
  return code_points_before_[block] + count_code_points(text().substr(begin, offset - begin));
}

std::size_t Source::line_index(std::size_t offset) const {
  const auto next = std::ranges::upper_bound(line_begins_, std::min(offset, text_.size()));
  return static_cast<std::size_t>(next - line_begins_.begin()) - 1;
}

const Source::File& Source::file_at(std::size_t offset) const {
  return *std::prev(std::ranges::upper_bound(files_, offset, {}, &File::begin));
}

const std::string& Source::file_name(std::size_t offset) const { return file_at(offset).name; }

Position Source::position(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const std::size_t line = line_index(offset);
  return {line - file_at(offset).first_line + 1,
          code_points_before(offset) - code_points_before(line_begins_[line]) + 1};
}

std::string Source::place(std::size_t offset, std::size_t seen_from) const {
  const std::string here = to_string(position(offset));
  return &file_at(offset) == &file_at(seen_from) ? here : file_name(offset) + ":" + here;
}

ByteRange Source::line_at(std::size_t offset) const {
  const std::size_t line = line_index(offset);
  const std::size_t begin = line_begins_[line];
  if (line + 1 == line_begins_.size()) return {begin, text_.size()};
  std::size_t end = line_begins_[line + 1] - 1;
  if (end > begin && text_[end - 1] == '\r') --end;
  return {begin, end};
}

bool Source::is_hidden(ByteRange range) const {
  return std::ranges::any_of(hidden_, [&](const ByteRange& hidden) {
    return hidden.begin < range.end && range.begin < hidden.end;
  });
}

}  // namespace gorun::jobs
