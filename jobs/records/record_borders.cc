#include "jobs/records/record_borders.h"

#include <algorithm>

#include "jobs/utf8.h"

namespace gorun::jobs {

// A byte order mark is no part of the first field, which may begin with a quote.
std::size_t CsvBorders::skip_mark(std::string_view more) {
  std::size_t at = 0;
  while (at < more.size() && mark_ < kByteOrderMark.size() && more[at] == kByteOrderMark[mark_]) {
    ++at;
    ++mark_;
  }
  if (at == more.size()) return at;
  has_begun_ = true;
  if (mark_ > 0 && mark_ < kByteOrderMark.size()) state_ = State::kPlain;
  return at;
}

// Up to the next quote, which opens a field if it is the field's first byte.
std::size_t CsvBorders::scan_plain(std::string_view more, std::size_t at, std::size_t* border) {
  const std::size_t quote = std::min(more.find('"', at), more.size());
  if (quote == at) {
    state_ = state_ == State::kFieldBegin && at < more.size() ? State::kQuoted : State::kPlain;
    return at + 1;
  }
  const std::size_t feed = more.substr(0, quote).rfind('\n');
  if (feed != std::string_view::npos && feed >= at) *border = feed + 1;
  const char last = more[quote - 1];
  state_ = last == separator_ || last == '\n' ? State::kFieldBegin : State::kPlain;
  return quote;
}

std::size_t CsvBorders::last_border(std::string_view more) {
  std::size_t border = 0;
  for (std::size_t at = has_begun_ ? 0 : skip_mark(more); at < more.size();) {
    switch (state_) {
      case State::kFieldBegin:
      case State::kPlain:
        at = scan_plain(more, at, &border);
        break;
      case State::kQuoted:
        at = more.find('"', at);
        if (at == std::string_view::npos) return border;
        state_ = State::kMaybeClosed;
        ++at;
        break;
      case State::kMaybeClosed:
        // Behind a closing quote no other one opens, until the field has ended.
        if (more[at] == '"') {
          state_ = State::kQuoted;
          ++at;
        } else {
          state_ = State::kPlain;
        }
        break;
    }
  }
  return border;
}

std::size_t first_csv_record(std::string_view text, char separator) {
  CsvBorders borders(separator);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t feed = text.find('\n', begin);
    if (feed == std::string_view::npos) break;
    if (borders.last_border(text.substr(begin, feed + 1 - begin)) > 0) return feed + 1;
    begin = feed + 1;
  }
  return std::string_view::npos;
}

std::size_t JsonBorders::last_border(std::string_view more) {
  std::size_t border = 0;
  for (std::size_t i = 0; i < more.size(); ++i) {
    const char c = more[i];
    if (is_string_) {
      if (is_escape_) {
        is_escape_ = false;
      } else if (c == '\\') {
        is_escape_ = true;
      } else if (c == '"') {
        is_string_ = false;
      }
      continue;
    }
    // A byte order mark is no part of the first document.
    const bool is_blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!has_begun_ && !is_blank && (c & 0x80) == 0) {
      has_begun_ = true;
      is_array_ = c == '[';
    }
    switch (c) {
      case '"':
        is_string_ = true;
        break;
      case '{':
      case '[':
        ++depth_;
        break;
      case '}':
      case ']':
        if (depth_ > 0) --depth_;
        if (depth_ == 0 && !is_array_) border = i + 1;
        break;
      case ',':
        if (depth_ == 1 && is_array_) border = i + 1;
        break;
      case '\n':
        if (depth_ == 0 && !is_array_) border = i + 1;
        break;
      default:
        break;
    }
  }
  return border;
}

std::string_view JsonBorders::wrong_at_end() const {
  return is_array_ && depth_ > 0 ? "the array that it begins with is not closed" : "";
}

}  // namespace gorun::jobs
