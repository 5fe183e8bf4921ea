// jobs/observer.h - what a run tells those who watch it. The engine prints nothing.
//
// Two ways out. Events say what changed and are few: a handful for each stage. Counters say how far
// it is and change all the time: they are not sent but sampled, by any thread, whenever a display
// wants to be drawn.
//
// Events come from the threads of the run, one at a time, in an order that is true: a stage starts
// before it ends, the run starts before and ends after all of them. An observer therefore needs no
// lock of its own for what only events touch. It may write to a terminal or a file (its thread is
// then lent to no one else), must not take long, and must not call the runtime.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "jobs/outcome.h"

namespace gorun::jobs {

struct Graph;

/// The counters of a run. Lives as long as someone holds it, also after the run.
/// threads  any, at any time; a sample is of one moment for each number, not for all together.
class Progress {
 public:
  virtual ~Progress() = default;

  struct Sample {
    StageState state = StageState::kWaiting;
    StageCounts counts;
    std::size_t queued = 0;  // items that wait in front of the stage
  };
  [[nodiscard]] virtual std::size_t stage_count() const = 0;
  /// stage  an index into Graph::stages.
  [[nodiscard]] virtual Sample sample(std::size_t stage) const = 0;
};

/// Every member does nothing by default.
class Observer {
 public:
  virtual ~Observer() = default;

  /// Comes first. `graph` lives until the run has finished.
  virtual void run_started(const Graph& graph, std::shared_ptr<const Progress> progress);

  /// The stage's needs are met and its goroutines begin.
  virtual void stage_started(std::size_t stage);

  /// A failure, when it happens; the stage's end follows.
  virtual void stage_failure(std::size_t stage, const Failure& failure);

  /// An attempt at an item failed, and another one follows after `pause`.
  virtual void attempt_failed(std::size_t stage, const Failure& failure,
                              std::chrono::nanoseconds pause);

  /// An item failed and was let go ("tolerate", "on_error"): the stage goes on.
  virtual void item_let_go(std::size_t stage, const Failure& failure);

  /// A command that names its files ("inputs", "outputs") is about to run, and `why`; nothing: it
  /// is up to date and does not. item  the text of the (first) item that it is for; empty: it takes
  /// none.
  virtual void command_judged(std::size_t stage, std::string_view item, std::string_view why);

  /// Something that is no failure, and that people should know; one line.
  virtual void stage_warned(std::size_t stage, std::string_view what);

  /// The stage is done, in whatever way `outcome.state` says; also for one that never started.
  virtual void stage_finished(std::size_t stage, const StageOutcome& outcome);

  /// Comes last, when no goroutine of the run is left.
  virtual void run_finished(const Outcome& outcome);
};

}  // namespace gorun::jobs
