// jobs/run.h - what all goroutines of one run share: counters, failures, states, the stop.
//
// A failure stops a scope (failure_scopes() in jobs/graph.h): what belongs to the job proper, or
// one pipeline of those that run in spite of a failure. An interrupt stops every scope.
//
// Invariants
//   I1  A stop is latched: the flag is set first, then every inbox and shard channel of the scope
//   is
//       closed and the latch raised, so a goroutine that sees its input end can tell a stop from an
//       end.
//   I2  Events go to the observer one at a time (lock_), and those of one stage in their order.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "jobs/graph.h"
#include "jobs/interrupt.h"
#include "jobs/observer.h"
#include "jobs/outcome.h"
#include "runtime/sync.h"

namespace gorun::jobs {

/// The counters of one stage. Statistics only: relaxed, nothing is ordered by them.
struct alignas(64) StageCell {
  std::atomic<StageState> state{StageState::kWaiting};
  std::atomic<std::uint64_t> items_in{0};
  std::atomic<std::uint64_t> items_out{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> queued{0};
  std::atomic<std::int64_t> busy_ns{0};
  std::atomic<std::int64_t> waiting_in_ns{0};
  std::atomic<std::int64_t> waiting_out_ns{0};

  [[nodiscard]] StageCounts counts() const;
};

/// The counters of all stages, as observers sample them.
class RunProgress final : public Progress {
 public:
  explicit RunProgress(std::size_t stages) : cells_(stages) {}
  [[nodiscard]] std::size_t stage_count() const override { return cells_.size(); }
  [[nodiscard]] Sample sample(std::size_t stage) const override;
  StageCell& cell(std::size_t stage) { return cells_[stage]; }

 private:
  std::vector<StageCell> cells_;
};

/// threads  goroutines of the run, but for the constructor, start() and outcome(), which belong to
///          the one that makes the run.
class Run {
 public:
  Run(const Graph& graph, Observer* observer);

  [[nodiscard]] const Graph& graph() const { return graph_; }
  StageCell& cell(std::size_t stage) { return progress_->cell(stage); }
  [[nodiscard]] StageState state(std::size_t stage) const { return progress_->sample(stage).state; }

  /// What a stop calls once for each scope, from a goroutine, to wake everything that is parked.
  void on_stop(std::function<void(std::size_t scope)> wake) { wake_ = std::move(wake); }

  [[nodiscard]] std::size_t scope_of(std::size_t stage) const { return scope_of_[stage]; }
  [[nodiscard]] bool is_stopped(std::size_t scope) const {
    // pairs with the exchange in stop()
    return scopes_[scope].stopped.load(std::memory_order_acquire);
  }
  /// Readable for ever once the scope is stopped.
  [[nodiscard]] int stop_fd(std::size_t scope) const { return scopes_[scope].latch.fd(); }
  /// Stops every scope, because the user wants it.
  void interrupt();
  /// True if some stage has failed.
  [[nodiscard]] bool has_failed() const {
    return failed_.load(std::memory_order_acquire);  // pairs with the store in fail()
  }

  void fail(std::size_t stage, Failure failure);

  void run_started();
  void stage_started(std::size_t stage);
  void stage_finished(std::size_t stage, StageState state);
  /// The final word; tells the observer.
  [[nodiscard]] Outcome finish(std::vector<std::string> stuck);

 private:
  struct Scope {
    std::atomic<bool> stopped{false};
    Interrupt latch;
  };
  template <class Event>
  void tell(Event event);
  void stop(std::size_t scope);
  [[nodiscard]] std::chrono::nanoseconds since_start() const;

  const Graph& graph_;
  Observer* const observer_;
  const std::shared_ptr<RunProgress> progress_;
  const std::chrono::steady_clock::time_point start_;
  const std::vector<std::size_t> scope_of_;  // by stage
  std::deque<Scope> scopes_;                 // at least the first
  std::function<void(std::size_t)> wake_;
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> failed_{false};
  runtime::Mutex lock_;
  std::vector<StageOutcome> stages_;  // guarded by lock_, but for finish()
};

}  // namespace gorun::jobs
