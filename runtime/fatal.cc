// runtime/fatal.cc - see fatal.h.

#include "runtime/fatal.h"

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "runtime/backtrace.h"
#include "runtime/crash_text.h"
#include "runtime/sched/g_pool.h"
#include "runtime/sched/m.h"
#include "runtime/sched/p.h"

namespace gorun::runtime {
namespace {

constexpr std::size_t kReasons = 64;  // more than there are; a reason beyond it is not counted

// " (goroutine 7 "label", M2, P0)"; nothing on a thread that is no M.
void add_place(CrashText& text) {
  const M* m = current_m();
  if (m == nullptr) return;
  text.add(" (");
  if (m->g != nullptr) {
    text.add_goroutine(*m->g);
  } else {
    text.add("g0");
  }
  if (m->p != nullptr) {
    text.add(", M%d, P%d)", m->id, m->p->id);
  } else {
    text.add(", M%d, no P)", m->id);
  }
}

}  // namespace

void add_goroutine_counts(CrashText& text) {
  struct {
    unsigned running = 0, runnable = 0, blocked = 0, parked = 0;
    unsigned waiting[kReasons] = {};
  } count;
  const bool counted = GPool::instance().try_for_each([&](G& gp) {
    switch (gp.status.load(std::memory_order_relaxed)) {
      case GStatus::kRunning:
        ++count.running;
        break;
      case GStatus::kRunnable:
        ++count.runnable;
        break;
      case GStatus::kBlocked:
        ++count.blocked;
        break;
      case GStatus::kWaiting: {
        const auto reason = static_cast<std::size_t>(gp.reason.load(std::memory_order_relaxed));
        ++count.parked;
        if (reason < kReasons) ++count.waiting[reason];
        break;
      }
      case GStatus::kIdle:
      case GStatus::kAbandoned:
        break;
    }
  });
  if (!counted || count.running + count.runnable + count.blocked + count.parked == 0) return;
  text.add("goroutines:");
  const char* separator = " ";
  const auto add = [&](unsigned n, const char* what) {
    if (n == 0) return;
    text.add("%s%u %s", separator, n, what);
    separator = ", ";
  };
  add(count.running, "running");
  add(count.runnable, "runnable");
  add(count.blocked, "in blocking calls");
  if (count.parked > 0) {
    text.add("%sparked:", separator[0] == ',' ? "; " : " ");
    separator = " ";
    for (std::size_t i = 0; i < kReasons; ++i) {
      add(count.waiting[i], to_string(static_cast<WaitReason>(i)));
    }
  }
  text.add("\n");
}

void fatal(const char* format, ...) {
  char message[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  CrashText text;
  text.add("fatal: %s", message);
  add_place(text);
  text.add("\n");
  add_goroutine_counts(text);
  text.write();
  write_backtrace(BacktraceFrom::kCaller, SymbolNames::kDemangled, kMostCalls);
  std::abort();
}

}  // namespace gorun::runtime
