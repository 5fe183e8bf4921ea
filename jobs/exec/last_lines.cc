#include "jobs/exec/last_lines.h"

#include <algorithm>

namespace gorun::jobs {
namespace {

constexpr int kTailLines = 10;

std::string_view end_of(std::string_view text) {
  return text.substr(text.size() - std::min(text.size(), kTailBytes));
}

}  // namespace

std::string_view last_lines(std::string_view text) {
  const std::string_view end = end_of(text);
  std::size_t begin = end.size();
  for (int lines = 0; begin > 0; --begin) {
    if (end[begin - 1] == '\n' && begin < end.size() && ++lines == kTailLines) break;
  }
  return end.substr(begin);
}

// Short pieces come often: the rest is moved once in kTailBytes.
void OutputTail::add(std::string_view bytes) {
  bytes = end_of(bytes);
  if (text_.size() + bytes.size() > 2 * kTailBytes) text_.erase(0, text_.size() - kTailBytes);
  text_ += bytes;
}

}  // namespace gorun::jobs
