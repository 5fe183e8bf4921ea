// jobs/stage_clock.h - whose time it is that a goroutine spends: in the accounts of the stages, and
// in a trace.
#pragma once

#include <deque>

#include "jobs/run.h"
#include "runtime/timer.h"
#include "runtime/trace.h"

namespace gorun::jobs {

/// Books the time of one goroutine to the stage that it works for, or waits for.
class StageClock {
 public:
  /// Ends the time of the account at hand and begins that of `account` (nullptr: nobody's time);
  /// returns the former.
  StageAccount* switch_to(StageAccount* account);

 private:
  StageAccount* account_ = nullptr;
  runtime::Nanos since_{0};
};

/// The goroutine works for stages, one inside the other or by turns: in a trace each of them has
/// its track, on which the goroutine has a row from here to the end of the scope.
class StageRows {
 public:
  /// Nothing if nobody traces, or the cell has one already.
  void add(const StageCell& cell);

 private:
  struct Row {
    explicit Row(const StageCell& of) : cell(of), slice(*of.track, *of.track) {}
    const StageCell& cell;
    runtime::trace::Slice slice;
  };
  std::deque<Row> rows_;  // which stay where they are
};

}  // namespace gorun::jobs
