#include "jobs/exec/line_printer.h"

#include <algorithm>

#include "jobs/format/quote.h"

namespace gorun::jobs {
namespace {

constexpr std::size_t kLongestLine = std::size_t{64} << 10;
constexpr std::size_t kLongestItem = 60;

}  // namespace

std::string line_prefix(std::string_view stage, std::string_view item) {
  if (item.empty()) return "[" + std::string(stage) + "] ";
  std::string shown = quote_for_message(item);
  // Quotes only where there is something to see.
  if (shown.size() == item.size() + 2) shown = item;
  if (shown.size() > kLongestItem) shown = "..." + shown.substr(shown.size() - kLongestItem + 3);
  return "[" + std::string(stage) + " " + shown + "] ";
}

std::optional<SystemError> LinePrinter::take(std::string_view bytes) {
  tail_.add(bytes);
  std::string whole;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::size_t room = kLongestLine - line_.size();
    const std::size_t size = std::min({end, bytes.size(), room});
    line_ += bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (!bytes.empty() && bytes.front() == '\n') {
      bytes.remove_prefix(1);
    } else if (line_.size() < kLongestLine) {
      break;
    }
    whole.append(prefix_).append(line_).append("\n");
    line_.clear();
  }
  return print(whole);
}

std::optional<SystemError> LinePrinter::finish() {
  if (line_.empty()) return std::nullopt;
  const std::string last = prefix_ + line_ + "\n";
  line_.clear();
  return print(last);
}

std::optional<SystemError> LinePrinter::print(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return stream_ == ChildStream::kStdout ? printer_.print_to_stdout(text)
                                         : printer_.print_to_stderr(text);
}

}  // namespace gorun::jobs
