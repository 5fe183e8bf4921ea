#include "jobs/exec/start_gate.h"

#include <atomic>

namespace gorun::jobs {
namespace {

// Starts under way, and a bit above them that keeps others from beginning. Release by who leaves,
// acquire by who enters next.
constinit std::atomic<unsigned> start_counter{0};
constexpr unsigned kHeld = 1U << 31;

}  // namespace

StartUnderWay::StartUnderWay() {
  unsigned seen = start_counter.load(std::memory_order_relaxed);
  for (;;) {
    if ((seen & kHeld) != 0) {
      start_counter.wait(seen, std::memory_order_relaxed);
      seen = start_counter.load(std::memory_order_relaxed);
    } else if (start_counter.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire,
                                                   std::memory_order_relaxed)) {
      return;
    }
  }
}

StartUnderWay::~StartUnderWay() {
  if (start_counter.fetch_sub(1, std::memory_order_release) == kHeld + 1)
    start_counter.notify_all();
}

StartsHeld::StartsHeld() {
  start_counter.fetch_or(kHeld, std::memory_order_relaxed);
  for (unsigned seen = 0; (seen = start_counter.load(std::memory_order_acquire)) != kHeld;)
    start_counter.wait(seen);
}

StartsHeld::~StartsHeld() {
  start_counter.fetch_and(~kHeld, std::memory_order_release);
  start_counter.notify_all();
}

}  // namespace gorun::jobs
