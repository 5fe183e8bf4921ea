// jobs/run.h - what all goroutines of one run share: counters, failures, states, the stop.
//
// What one failure reaches
//   A group (failure_scopes() in jobs/graph.h) is the job proper, or one pipeline of those that run
//   in spite of a failure. A scope is what stops as one: with "fail": "fast" a group; otherwise the
//   stages of chains that belong together, because a goroutine cannot stop in half.
//
//               an item has failed                    a stage has failed
//   fast        its scope stops                       its scope stops
//   drain       its group begins nothing more         ... and its scope stops, and all that get
//   keep-going  nothing else                          items from there
//
//   An interrupt and the timeout of the run stop every scope, all of them at one moment: what runs
//   in spite of a failure must not begin because a scope stopped before its own. A drain that the
//   user asks for reaches every group, whatever "fail" says.
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
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/graph.h"
#include "jobs/interrupt.h"
#include "jobs/observer.h"
#include "jobs/out.h"
#include "jobs/outcome.h"
#include "runtime/sync.h"
#include "runtime/trace.h"

namespace gorun::jobs {

/// What goroutines of a stage spend in one way: its time, and its slices in a trace.
class StageAccount {
 public:
  /// Before the run, and only if it is traced.
  void trace_as(runtime::trace::Name track, runtime::trace::Name name) { slice_ = {track, name}; }

  void begin() const {
    if (slice_) runtime::trace::begin_slice(slice_->track, slice_->name);
  }
  void end() const {
    if (slice_) runtime::trace::end_slice(slice_->track, slice_->name);
  }
  void add(std::chrono::nanoseconds length) {
    ns_.fetch_add(length.count(), std::memory_order_relaxed);
  }
  [[nodiscard]] std::chrono::nanoseconds time() const {
    return std::chrono::nanoseconds(ns_.load(std::memory_order_relaxed));
  }

 private:
  struct Slice {
    runtime::trace::Name track;
    runtime::trace::Name name;
  };
  std::atomic<std::int64_t> ns_{0};
  std::optional<Slice> slice_;
};

/// The counters of one stage. Statistics only: relaxed, nothing is ordered by them.
struct alignas(64) StageCell {
  std::atomic<StageState> state{StageState::kWaiting};
  std::atomic<std::uint64_t> items_in{0};
  std::atomic<std::uint64_t> items_out{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> queued{0};
  std::atomic<std::uint64_t> lost{0};  // items that failed
  std::atomic<std::uint64_t> up_to_date{0};
  StageAccount busy;
  StageAccount waiting_in;
  StageAccount waiting_out;
  std::optional<runtime::trace::Name> track;  // in a trace, if there is one

  void trace_as(const std::string& stage);
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
  /// seed  for random().
  Run(const Graph& graph, Observer* observer, std::uint64_t seed);

  [[nodiscard]] const Graph& graph() const { return graph_; }
  StageCell& cell(std::size_t stage) { return progress_->cell(stage); }
  [[nodiscard]] StageState state(std::size_t stage) const { return progress_->sample(stage).state; }

  /// Says what stops as one where not all of a group does; before the run starts.
  /// scope_of  by stage, numbers from 0 without a gap.
  void set_scopes(std::vector<std::size_t> scope_of);

  /// What a stop of a scope, or the draining of a group, calls once, from a goroutine, to wake
  /// everything that is parked.
  struct Wake {
    std::function<void(std::size_t scope)> stopped;
    std::function<void(std::size_t group)> draining;
  };
  void on_stop(Wake wake) { wake_ = std::move(wake); }

  [[nodiscard]] std::size_t scope_of(std::size_t stage) const { return scope_of_[stage]; }
  [[nodiscard]] std::size_t group_of(std::size_t stage) const { return group_of_[stage]; }
  [[nodiscard]] bool is_stopped(std::size_t scope) const {
    return scopes_[scope].is_set() || all_stopped_.load(std::memory_order_acquire);
  }
  /// True once nothing more is to be begun in the group.
  [[nodiscard]] bool is_draining(std::size_t group) const {
    return groups_[group].is_set() || (asked_to_drain_ != nullptr && asked_to_drain_->is_raised());
  }
  /// From the moment in which it is raised nothing more is to be begun, although it takes a while
  /// until drain() is called and all that waits is woken. Before the run starts; outlives it.
  void heed(const Interrupt* drain) { asked_to_drain_ = drain; }
  /// Readable for ever once the scope is stopped; the second also once its group is draining.
  [[nodiscard]] int stop_fd(std::size_t scope) { return scopes_[scope].fd(); }
  [[nodiscard]] int end_fd(std::size_t scope) { return ends_[scope].fd(); }
  /// Begins nothing more in any group, because the user wants it.
  void drain();
  /// Stops every scope, because the user wants it, or because its time is up.
  void interrupt();
  void time_out();
  /// Some stage leaves work undone, and none has failed for it.
  void leave_undone();
  /// True if some stage has failed.
  [[nodiscard]] bool has_failed() const {
    return failed_.load(std::memory_order_acquire);  // pairs with the store in fail()
  }

  /// The stage cannot go on.
  void fail(std::size_t stage, Failure failure);
  /// The same, said by somebody for whom the stage does not wait: nothing if it has ended.
  void fail_unless_ended(std::size_t stage, Failure failure);
  /// An item has failed for good. kStop: so must the worker end.
  [[nodiscard]] Flow fail_item(std::size_t stage, Failure failure);
  /// An item has failed, and only for draining is there no further attempt. Counts as a failed one,
  /// but stops nothing.
  void give_up_item(std::size_t stage, Failure failure);
  /// An attempt has failed, and another one follows after `pause`.
  void attempt_failed(std::size_t stage, Failure failure, std::chrono::nanoseconds pause);
  /// See Context.
  void judged(std::size_t stage, std::span<const Item> items, std::string_view why);
  void warn(std::size_t stage, std::string what);
  /// All items of the stage have come in: is what failed within its "tolerate"?
  void judge_failed_items(std::size_t stage);
  /// True if an item of the stage has failed.
  [[nodiscard]] bool has_lost_items(std::size_t stage) const {
    return progress_->cell(stage).lost.load(std::memory_order_relaxed) != 0;
  }
  /// Drawn evenly from [0, 1). threads: any goroutine.
  [[nodiscard]] double random();

  void run_started();
  void stage_started(std::size_t stage, int goroutines);
  void stage_finished(std::size_t stage, StageState state);
  /// A channel that feeds the stage was that full; when no goroutine is left, before finish().
  void note_channel(std::size_t stage, const ChannelFill& fill) {
    stages_[stage].channels.push_back(fill);
  }
  /// The final word; tells the observer.
  [[nodiscard]] Outcome finish(std::vector<std::string> stuck);

 private:
  // A flag that goroutines look at, and a descriptor for what waits in poll(2), made when asked
  // for: a large graph has more scopes than a process has descriptors.
  class Latch {
   public:
    /// True for the first.
    bool set();
    [[nodiscard]] bool is_set() const {
      return set_.load(std::memory_order_acquire);  // pairs with the exchange in set()
    }
    [[nodiscard]] int fd();

   private:
    std::atomic<bool> set_{false};
    std::mutex lock_;                      // held for a system call, never across a park
    std::optional<Interrupt> descriptor_;  // guarded by lock_
  };
  template <class Event>
  void tell(Event event);
  void mask(Failure* failure) const;
  // Both with lock_ held.
  void keep_failure(std::size_t stage, Failure failure);
  void keep_let_go(std::size_t stage, Failure failure);
  void after_failure(std::size_t stage);
  bool keep_failed_item(std::size_t stage, Failure failure);
  Flow after_failed_item(std::size_t stage);
  void stop(std::size_t scope);
  void stop_all();
  void stop_followers(std::size_t stage);
  void drain(std::size_t group);
  [[nodiscard]] std::chrono::nanoseconds since_start() const;
  [[nodiscard]] bool was_interrupted() const;

  const Graph& graph_;
  Observer* const observer_;
  const std::shared_ptr<RunProgress> progress_;
  const std::chrono::steady_clock::time_point start_;
  const std::vector<std::size_t> group_of_;  // by stage
  std::vector<std::size_t> scope_of_;        // by stage
  std::deque<Latch> groups_;                 // at least the first
  std::deque<Latch> scopes_;                 // at least the first
  std::deque<Latch> ends_;                   // by scope: it is stopped, or its group is draining
  std::atomic<bool> all_stopped_{false};     // release in stop_all(), acquire in is_stopped()
  const Interrupt* asked_to_drain_ = nullptr;
  Wake wake_;
  const std::uint64_t seed_;
  std::atomic<std::uint64_t> draws_{0};
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> timed_out_{false};
  std::atomic<bool> left_undone_{false};
  std::atomic<bool> failed_{false};
  runtime::Mutex lock_;
  std::vector<StageOutcome> stages_;  // guarded by lock_ while goroutines run
};

}  // namespace gorun::jobs
