#include "jobs/text/regex_cutter.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "jobs/utf8.h"

namespace gorun::jobs {

Expected<RecordRegex, std::string> RecordRegex::compile(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_never_nl(true);
  // First by itself, so that the message speaks of the user's text and nothing closes our group.
  const std::string alone(pattern);
  if (const RE2 check(alone, options); !check.ok()) return check.error();
  auto regex = std::make_unique<RE2>("(?m:" + alone + ")", options);
  if (!regex->ok()) return regex->error();
  return RecordRegex(std::move(regex));
}

RecordRegex::RecordRegex(std::unique_ptr<RE2> regex) : regex_(std::move(regex)) {}
RecordRegex::~RecordRegex() = default;
RecordRegex::RecordRegex(RecordRegex&&) noexcept = default;
RecordRegex& RecordRegex::operator=(RecordRegex&&) noexcept = default;

std::size_t RegexCutter::next(std::span<std::string_view> records) {
  std::array<re2::StringPiece, 2> groups;
  const int wanted = regex_.NumberOfCapturingGroups() > 0 ? 2 : 1;
  const re2::StringPiece text(text_.data(), text_.size());
  std::size_t count = 0;
  while (count < records.size() && at_ <= text_.size()) {
    if (!regex_.Match(text, at_, text_.size(), RE2::UNANCHORED, groups.data(), wanted)) {
      at_ = text_.size() + 1;
      break;
    }
    const auto end = static_cast<std::size_t>(groups[0].data() - text_.data()) + groups[0].size();
    if (groups[0].empty()) {
      // One character on, for an expression for UTF-8 must not begin inside one.
      at_ = end + (end < text_.size() ? std::max<std::size_t>(utf8_length(text_, end), 1) : 1);
      continue;
    }
    at_ = end;
    const re2::StringPiece& record = groups[static_cast<std::size_t>(wanted - 1)];
    if (record.data() != nullptr) records[count++] = {record.data(), record.size()};
  }
  return count;
}

}  // namespace gorun::jobs
