#include "jobs/run.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "runtime/blocking.h"

namespace gorun::jobs {

StageCounts StageCell::counts() const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return {.items_in = items_in.load(kRelaxed),
          .items_out = items_out.load(kRelaxed),
          .bytes = bytes.load(kRelaxed),
          .busy = std::chrono::nanoseconds(busy_ns.load(kRelaxed)),
          .waiting_in = std::chrono::nanoseconds(waiting_in_ns.load(kRelaxed)),
          .waiting_out = std::chrono::nanoseconds(waiting_out_ns.load(kRelaxed))};
}

Progress::Sample RunProgress::sample(std::size_t stage) const {
  const StageCell& cell = cells_[stage];
  return {.state = cell.state.load(std::memory_order_relaxed),
          .counts = cell.counts(),
          .queued = cell.queued.load(std::memory_order_relaxed)};
}

Run::Run(const Graph& graph, Observer* observer)
    : graph_(graph),
      observer_(observer),
      progress_(std::make_shared<RunProgress>(graph.stages.size())),
      start_(std::chrono::steady_clock::now()),
      scope_of_(failure_scopes(graph)),
      stages_(graph.stages.size()) {
  std::size_t last = 0;
  for (const std::size_t scope : scope_of_) last = std::max(last, scope);
  for (std::size_t i = 0; i <= last; ++i) scopes_.emplace_back();
  for (std::size_t i = 0; i < stages_.size(); ++i) stages_[i].name = graph.stages[i].name;
}

std::chrono::nanoseconds Run::since_start() const {
  return std::chrono::steady_clock::now() - start_;
}

// Called with lock_ held. An observer may write to a terminal that is slow.
template <class Event>
void Run::tell(Event event) {
  if (observer_ != nullptr) {
    runtime::blocking(runtime::Blocking::kBrief, [&] { event(*observer_); });
  }
}

void Run::stop(std::size_t scope) {
  if (scopes_[scope].stopped.exchange(true, std::memory_order_acq_rel)) return;
  scopes_[scope].latch.raise();
  if (wake_) wake_(scope);
}

void Run::interrupt() {
  interrupted_.store(true, std::memory_order_relaxed);  // read when every goroutine has ended
  for (std::size_t scope = 0; scope < scopes_.size(); ++scope) stop(scope);
}

void Run::fail(std::size_t stage, Failure failure) {
  failure.what = graph_.secrets.masked(std::move(failure.what));
  failure.item = graph_.secrets.masked(std::move(failure.item));
  failed_.store(true, std::memory_order_release);
  {
    const std::lock_guard<runtime::Mutex> hold(lock_);
    StageOutcome& outcome = stages_[stage];
    ++outcome.failure_count;
    tell([&](Observer& observer) { observer.stage_failure(stage, failure); });
    if (outcome.failures.size() < kMaxKeptFailures) {
      outcome.failures.push_back(std::move(failure));
    }
  }
  stop(scope_of_[stage]);  // FailPolicy::kFast
}

void Run::run_started() {
  const std::lock_guard<runtime::Mutex> hold(lock_);
  tell([&](Observer& observer) { observer.run_started(graph_, progress_); });
}

void Run::stage_started(std::size_t stage) {
  const std::lock_guard<runtime::Mutex> hold(lock_);
  stages_[stage].started = since_start();
  cell(stage).state.store(StageState::kRunning, std::memory_order_relaxed);
  tell([&](Observer& observer) { observer.stage_started(stage); });
}

void Run::stage_finished(std::size_t stage, StageState state) {
  const std::lock_guard<runtime::Mutex> hold(lock_);
  StageOutcome& outcome = stages_[stage];
  outcome.state = outcome.failure_count > 0 ? StageState::kFailed : state;
  outcome.counts = cell(stage).counts();
  outcome.ended = since_start();
  cell(stage).state.store(outcome.state, std::memory_order_relaxed);
  tell([&](Observer& observer) { observer.stage_finished(stage, outcome); });
}

Outcome Run::finish(std::vector<std::string> stuck) {
  Outcome outcome;
  outcome.elapsed = since_start();
  outcome.stages = std::move(stages_);
  outcome.stuck = std::move(stuck);
  bool failed = false;
  bool complete = true;
  for (std::size_t i = 0; i < outcome.stages.size(); ++i) {
    StageOutcome& stage = outcome.stages[i];
    const bool has_ended = stage.ended.count() != 0;
    if (!has_ended) {  // only after a deadlock: nobody brought it to an end
      stage.state = StageState::kCancelled;
      stage.counts = cell(i).counts();
    }
    failed = failed || stage.state == StageState::kFailed;
    complete = complete && stage.state == StageState::kSucceeded;
  }
  if (!outcome.stuck.empty()) {
    outcome.state = RunState::kDeadlocked;
  } else if (interrupted_.load(std::memory_order_relaxed) && !complete) {
    outcome.state = RunState::kInterrupted;
  } else if (failed) {
    outcome.state = RunState::kFailed;
  }
  if (observer_ != nullptr) observer_->run_finished(outcome);
  return outcome;
}

}  // namespace gorun::jobs
