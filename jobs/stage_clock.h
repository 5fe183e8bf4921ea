// jobs/stage_clock.h - whose time it is that a goroutine spends: in the accounts of the stages, and
// in a trace.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <vector>

#include "jobs/run.h"
#include "runtime/timer.h"
#include "runtime/trace.h"

namespace gorun::jobs {

/// Books the time of one goroutine, and the items that it passes on, to the stages that it works
/// for, or waits for.
///
/// A stage's accounts are those of all its goroutines, in one cache line: written for every few
/// hundred records, it would be what many cores wait for. So what there is to book is summed up
/// here and goes there about once a millisecond; all of it, when the time becomes nobody's.
class StageClock {
 public:
  using Counter = std::atomic<std::uint64_t>;

  /// Ends the time of the account at hand and begins that of `account` (nullptr: nobody's time);
  /// returns the former.
  StageAccount* switch_to(StageAccount* account);
  /// Adds so many items to a counter of a stage, in a while.
  void count(Counter& counter, std::uint64_t items);
  /// Books what there is.
  void publish();
  /// Does so at the end of a scope, also by an exception.
  class PublishedAtEnd {
   public:
    explicit PublishedAtEnd(StageClock& clock) : clock_(clock) {}
    ~PublishedAtEnd() { clock_.publish(); }
    PublishedAtEnd(const PublishedAtEnd&) = delete;
    PublishedAtEnd& operator=(const PublishedAtEnd&) = delete;

   private:
    StageClock& clock_;
  };

 private:
  template <class To>
  struct Sum {
    To* to;
    std::int64_t sum;
  };
  template <class To>
  static void add(To& to, std::int64_t more, std::vector<Sum<To>>* sums);

  StageAccount* account_ = nullptr;
  runtime::Nanos since_{0};
  runtime::Nanos published_{0};  // when that was
  // A few: those of the stages that share this goroutine.
  std::vector<Sum<StageAccount>> times_;  // nanoseconds
  std::vector<Sum<Counter>> counts_;
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
