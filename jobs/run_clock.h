// jobs/run_clock.h - the clock of timeouts: it stands while the run is stopped (control-Z).
//
// Nothing of a run gets on while gorun and its commands are stopped. Were their time to pass, each
// would be ended for being late in the moment in which it may go on. A timer that has fired is
// therefore no more than a reason to look at this clock, and to wait for the rest.
// Not chosen: deadlines that are moved when the run goes on. All threads go on at once, and one
// that
//   waits for a deadline may find it passed before it has been moved.
#pragma once

#include <chrono>

namespace gorun::jobs {

/// A clock as of <chrono>. threads  any.
struct RunClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<RunClock>;

  [[nodiscard]] static time_point now();
};

/// While it lives, the clock stands. One at a time. threads  any.
class RunStands {
 public:
  RunStands();
  ~RunStands();
  RunStands(const RunStands&) = delete;
  RunStands& operator=(const RunStands&) = delete;

 private:
  const RunClock::time_point at_;
};

}  // namespace gorun::jobs
