// runtime/sched/sched_trace.h - GORUN_SCHEDTRACE: one line on the scheduler's state every so often.
//
//   SCHED 1004ms: gomaxprocs=2 idleprocs=0 threads=5 spinningthreads=1 needspinning=0 idlethreads=2
//     runqueue=0 [ 3 4 ] schedticks=[ 8127 8844 ] steals=12 handoffs=3 retakes=1     (in one line)
//
// The words and their order are Go's (runtime, GODEBUG=schedtrace), so that what reads Go's lines
// reads ours; needspinning, for which this scheduler has no use, is always 0, and threads counts
// sysmon. Each number in brackets belongs to one P: Gs in its queues, and Gs it has picked so far.
// What follows is ours, totals since the start.
#pragma once

#include <cstdint>
#include <string>

namespace gorun::runtime {

struct Sched;

/// Sysmon's pen. threads: sysmon.
class SchedTrace {
 public:
  /// A line every `interval_ns`, or never if that is 0.
  SchedTrace(std::int64_t interval_ns, std::int64_t now);

  [[nodiscard]] bool is_on() const { return interval_ns_ != 0; }
  /// How long sysmon may sleep at most; `pause_ns` if nothing is due before.
  [[nodiscard]] std::int64_t shorten(std::int64_t pause_ns, std::int64_t now) const;
  /// Prints a line to standard error if one is due. Takes the scheduler's lock.
  void print_if_due(Sched& sched, std::int64_t now);

 private:
  std::int64_t interval_ns_;
  std::int64_t start_;
  std::int64_t next_;
};

}  // namespace gorun::runtime
