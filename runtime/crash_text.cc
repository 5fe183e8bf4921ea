// runtime/crash_text.cc - see crash_text.h.

#include "runtime/crash_text.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "runtime/sched/g.h"

namespace gorun::runtime {

void CrashText::add(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = std::vsnprintf(text_ + size_, sizeof text_ - size_, format, arguments);
  va_end(arguments);
  if (written > 0) size_ = std::min(size_ + static_cast<std::size_t>(written), sizeof text_ - 1);
}

void CrashText::add_goroutine(const G& gp) {
  add("goroutine %llu", static_cast<unsigned long long>(gp.id));
  if (gp.label != nullptr) add(" \"%s\"", gp.label->c_str());
}

void CrashText::write() {
  write_to_stderr({text_, size_});
  size_ = 0;
}

void write_to_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody is left to be told
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace gorun::runtime
