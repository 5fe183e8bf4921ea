// runtime/fatal.cc - see fatal.h.

#include "runtime/fatal.h"

#include <unistd.h>

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "runtime/sched/m.h"
#include "runtime/sched/p.h"

namespace gorun::runtime {

void fatal(const char* format, ...) {
  char text[1024];
  std::size_t used = 0;
  const auto append = [&](int written) {
    if (written > 0) used += static_cast<std::size_t>(written);
    if (used > sizeof text - 1) used = sizeof text - 1;
  };
  append(std::snprintf(text, sizeof text, "fatal: "));
  va_list arguments;
  va_start(arguments, format);
  append(std::vsnprintf(text + used, sizeof text - used, format, arguments));
  va_end(arguments);
  if (const M* m = current_m(); m != nullptr) {
    if (m->g != nullptr) {
      append(std::snprintf(text + used, sizeof text - used, " (G%llu, M%d)",
                           static_cast<unsigned long long>(m->g->id), m->id));
    } else {
      append(std::snprintf(text + used, sizeof text - used, " (g0, M%d)", m->id));
    }
  }
  append(std::snprintf(text + used, sizeof text - used, "\n"));
  // Nothing can be done about a failing write on the way to abort().
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, used);
  std::abort();
}

}  // namespace gorun::runtime
