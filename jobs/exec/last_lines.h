// jobs/exec/last_lines.h - the end of what a command has said, for the summary of what has failed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// Bytes of an output that matter to last_lines().
inline constexpr std::size_t kTailBytes = 2048;

/// The last ten lines of `text`, or the part of them that lies in its last kTailBytes.
[[nodiscard]] std::string_view last_lines(std::string_view text);

/// Keeps the end of an output that streams by. threads  one at a time.
class OutputTail {
 public:
  void add(std::string_view bytes);
  [[nodiscard]] std::string_view last_lines() const { return jobs::last_lines(text_); }

 private:
  std::string text_;  // at most twice kTailBytes
};

}  // namespace gorun::jobs
