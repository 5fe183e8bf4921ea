#include "jobs/run_clock.h"

#include <atomic>
#include <cstdint>

namespace gorun::jobs {
namespace {

// Not negative: for so many ns it has stood. Negative: it stands at so many ns.
// release by RunStands, acquire by now().
constinit std::atomic<std::int64_t> stood_or_stands{0};

std::int64_t monotonic_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

RunClock::time_point RunClock::now() {
  for (;;) {
    const std::int64_t seen = stood_or_stands.load(std::memory_order_acquire);
    if (seen < 0) return time_point(duration(-seen));
    const std::int64_t time = monotonic_ns();
    // Else the run was stopped in between, and this thread with it.
    if (stood_or_stands.load(std::memory_order_acquire) == seen) {
      return time_point(duration(time - seen));
    }
  }
}

RunStands::RunStands() : at_(RunClock::now()) {
  stood_or_stands.store(-at_.time_since_epoch().count(), std::memory_order_release);
}

RunStands::~RunStands() {
  stood_or_stands.store(monotonic_ns() - at_.time_since_epoch().count(), std::memory_order_release);
}

}  // namespace gorun::jobs
