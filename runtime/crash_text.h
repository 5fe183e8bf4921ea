// runtime/crash_text.h - CrashText: a message of a process that is about to end.
//
// It is put together in a fixed buffer and leaves in one write(), so that it can be made in a
// signal handler, with any lock held and with the heap in ruins. What does not fit is cut off.
#pragma once

#include <cstddef>
#include <string_view>

namespace gorun::runtime {

struct G;

/// Writes all of `text` to standard error, in one piece if the system takes it so.
void write_to_stderr(std::string_view text);

class CrashText {
 public:
  /// printf, for the conversions s, d, u, x, p, c and their length modifiers: glibc's allocates
  /// nothing for these.
  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...);

  /// `goroutine 7 "label"`, the label if there is one.
  void add_goroutine(const G& gp);

  /// Writes the text to standard error and empties it.
  void write();

 private:
  char text_[2048];
  std::size_t size_ = 0;
};

}  // namespace gorun::runtime
