// runtime/sched/coarse_clock.h - the time without the price of reading it.
//
// Monotonic nanoseconds as of the last look of somebody who needed the exact time anyway: sysmon,
// in each of its rounds, and every M that wakes up. While a goroutine runs it is at most some 10 ms
// late, sysmon's longest pause. Good for "parked for 2.1 s", not for deadlines.
//
// Not chosen: clock_gettime at each park, 24 ns of a park that takes 30.
#pragma once

#include <atomic>
#include <cstdint>

namespace gorun::runtime {

/// threads: all members, any. Relaxed: nothing is ordered by it.
class alignas(128) CoarseClock {  // a line of its own: it is written while everybody reads it
 public:
  [[nodiscard]] std::int64_t now() const { return ns_.load(std::memory_order_relaxed); }
  void set(std::int64_t ns) { ns_.store(ns, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> ns_{0};
};

inline constinit CoarseClock coarse_clock;

}  // namespace gorun::runtime
