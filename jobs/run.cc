#include "jobs/run.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "runtime/blocking.h"

namespace gorun::jobs {
namespace {

// Of an outcome that is not out yet: its state is said by the end alone.
bool has_ended(const StageOutcome& stage) { return stage.state != StageState::kWaiting; }

}  // namespace

StageCounts StageCell::counts() const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return {.items_in = items_in.load(kRelaxed),
          .items_out = items_out.load(kRelaxed),
          .bytes = bytes.load(kRelaxed),
          .busy = busy.time(),
          .waiting_in = waiting_in.time(),
          .waiting_out = waiting_out.time()};
}

void StageCell::trace_as(const std::string& stage) {
  using runtime::trace::Name;
  track.emplace(stage);
  busy.trace_as(*track, Name("busy"));
  waiting_in.trace_as(*track, Name("no input"));
  waiting_out.trace_as(*track, Name("slow reader"));
}

Progress::Sample RunProgress::sample(std::size_t stage) const {
  const StageCell& cell = cells_[stage];
  return {.state = cell.state.load(std::memory_order_relaxed),
          .counts = cell.counts(),
          .queued = cell.queued.load(std::memory_order_relaxed)};
}

bool Run::Latch::set() {
  if (set_.exchange(true, std::memory_order_acq_rel)) return false;
  const std::lock_guard<std::mutex> hold(lock_);
  if (descriptor_) descriptor_->raise();
  return true;
}

int Run::Latch::fd() {
  const std::lock_guard<std::mutex> hold(lock_);
  if (!descriptor_) {
    descriptor_.emplace();
    if (is_set()) descriptor_->raise();
  }
  return descriptor_->fd();
}

Run::Run(const Graph& graph, Observer* observer, std::uint64_t seed)
    : graph_(graph),
      observer_(observer),
      progress_(std::make_shared<RunProgress>(graph.stages.size())),
      start_(std::chrono::steady_clock::now()),
      group_of_(failure_scopes(graph)),
      seed_(seed),
      stages_(graph.stages.size()) {
  groups_.emplace_back();
  for (const std::size_t group : group_of_) {
    while (groups_.size() <= group) groups_.emplace_back();
  }
  set_scopes(group_of_);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    stages_[i].name = graph.stages[i].name;
    if (runtime::trace::is_on()) progress_->cell(i).trace_as(graph.stages[i].name);
  }
}

void Run::set_scopes(std::vector<std::size_t> scope_of) {
  scope_of_ = std::move(scope_of);
  for (std::deque<Latch>* latches : {&scopes_, &ends_}) {
    latches->clear();
    latches->emplace_back();
    for (const std::size_t scope : scope_of_) {
      while (latches->size() <= scope) latches->emplace_back();
    }
  }
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

// SplitMix64 (Steele, Lea, Flood 2014): the n-th number needs no state but n.
double Run::random() {
  std::uint64_t z =
      seed_ + (draws_.fetch_add(1, std::memory_order_relaxed) + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  z ^= z >> 31U;
  return static_cast<double>(z >> 11U) * 0x1.0p-53;
}

void Run::stop(std::size_t scope) {
  if (!scopes_[scope].set()) return;
  ends_[scope].set();
  if (wake_.stopped) wake_.stopped(scope);
}

void Run::stop_all() {
  all_stopped_.store(true, std::memory_order_release);
  for (std::size_t scope = 0; scope < scopes_.size(); ++scope) stop(scope);
  for (std::size_t group = 0; group < groups_.size(); ++group) drain(group);
}

// The scopes of all stages that items of `stage` can get to.
void Run::stop_followers(std::size_t stage) {
  std::vector<bool> seen(graph_.stages.size());
  std::vector<std::size_t> found = {stage};
  seen[stage] = true;
  while (!found.empty()) {
    const std::size_t at = found.back();
    found.pop_back();
    for (const std::size_t edge : graph_.stages[at].outputs) {
      const std::size_t next = graph_.edges[edge].to;
      if (!seen[next]) found.push_back(next);
      seen[next] = true;
    }
    stop(scope_of_[at]);
  }
}

void Run::drain(std::size_t group) {
  if (!groups_[group].set()) return;
  for (std::size_t stage = 0; stage < group_of_.size(); ++stage) {
    if (group_of_[stage] == group) ends_[scope_of_[stage]].set();
  }
  if (wake_.draining) wake_.draining(group);
}

void Run::drain() {
  interrupted_.store(true, std::memory_order_relaxed);  // read when every goroutine has ended
  for (std::size_t group = 0; group < groups_.size(); ++group) drain(group);
}

void Run::interrupt() {
  interrupted_.store(true, std::memory_order_relaxed);  // read when every goroutine has ended
  stop_all();
}

void Run::time_out() {
  timed_out_.store(true, std::memory_order_relaxed);  // likewise
  stop_all();
}

void Run::leave_undone() {
  left_undone_.store(true, std::memory_order_relaxed);  // likewise
}

void Run::mask(Failure* failure) const {
  failure->what = graph_.secrets.masked(std::move(failure->what));
  failure->item = graph_.secrets.masked(std::move(failure->item));
  failure->tail = graph_.secrets.masked(std::move(failure->tail));
}

void Run::keep_failure(std::size_t stage, Failure failure) {
  StageOutcome& outcome = stages_[stage];
  ++outcome.failure_count;
  failed_.store(true, std::memory_order_release);
  tell([&](Observer& observer) { observer.stage_failure(stage, failure); });
  if (outcome.failures.size() < kMaxKeptFailures) outcome.failures.push_back(std::move(failure));
}

void Run::keep_let_go(std::size_t stage, Failure failure) {
  StageOutcome& outcome = stages_[stage];
  ++outcome.let_go_count;
  tell([&](Observer& observer) { observer.item_let_go(stage, failure); });
  if (outcome.let_go.size() < kMaxKeptFailures) outcome.let_go.push_back(std::move(failure));
}

void Run::fail(std::size_t stage, Failure failure) {
  mask(&failure);
  {
    const std::lock_guard<runtime::Mutex> hold(lock_);
    keep_failure(stage, std::move(failure));
  }
  after_failure(stage);
}

// The lock decides which was first: a stage that ends later finds its failure (stage_finished()).
void Run::fail_unless_ended(std::size_t stage, Failure failure) {
  mask(&failure);
  {
    const std::lock_guard<runtime::Mutex> hold(lock_);
    if (has_ended(stages_[stage])) return;
    keep_failure(stage, std::move(failure));
  }
  after_failure(stage);
}

void Run::after_failure(std::size_t stage) {
  if (graph_.fail == FailPolicy::kFast) {
    stop(scope_of_[stage]);
    return;
  }
  if (graph_.fail == FailPolicy::kDrain) drain(group_of_[stage]);
  stop_followers(stage);
}

// True if the stage lets the item go.
bool Run::keep_failed_item(std::size_t stage, Failure failure) {
  const FailurePolicy& policy = graph_.stages[stage].failure;
  mask(&failure);
  const std::uint64_t lost = cell(stage).lost.fetch_add(1, std::memory_order_relaxed) + 1;
  const bool is_let_go = policy.lets_go(lost);
  if (!is_let_go && policy.tolerate.count.value_or(0) > 0) {
    failure.what += " (failed item " + std::to_string(lost) + "; \"tolerate\" allows " +
                    std::to_string(*policy.tolerate.count) + ")";
  }
  const std::lock_guard<runtime::Mutex> hold(lock_);
  if (is_let_go) {
    keep_let_go(stage, std::move(failure));
  } else {
    keep_failure(stage, std::move(failure));
  }
  return is_let_go;
}

Flow Run::fail_item(std::size_t stage, Failure failure) {
  return keep_failed_item(stage, std::move(failure)) ? Flow::kMore : after_failed_item(stage);
}

void Run::give_up_item(std::size_t stage, Failure failure) {
  static_cast<void>(keep_failed_item(stage, std::move(failure)));
}

Flow Run::after_failed_item(std::size_t stage) {
  if (graph_.fail == FailPolicy::kFast) {
    stop(scope_of_[stage]);
    return Flow::kStop;
  }
  if (graph_.fail == FailPolicy::kDrain) drain(group_of_[stage]);
  return Flow::kMore;
}

void Run::attempt_failed(std::size_t stage, Failure failure, std::chrono::nanoseconds pause) {
  mask(&failure);
  const std::lock_guard<runtime::Mutex> hold(lock_);
  ++stages_[stage].retry_count;
  tell([&](Observer& observer) { observer.attempt_failed(stage, failure, pause); });
}

void Run::judged(std::size_t stage, std::span<const Item> items, std::string_view why) {
  if (why.empty()) {
    cell(stage).up_to_date.fetch_add(std::max<std::size_t>(items.size(), 1),
                                     std::memory_order_relaxed);
  }
  const std::string item(items.empty() ? "" : items.front().text);
  const std::string masked_item = graph_.secrets.masked(item);
  const std::string masked_why = graph_.secrets.masked(std::string(why));
  const std::lock_guard<runtime::Mutex> hold(lock_);
  tell([&](Observer& observer) { observer.command_judged(stage, masked_item, masked_why); });
}

void Run::warn(std::size_t stage, std::string what) {
  what = graph_.secrets.masked(std::move(what));
  const std::lock_guard<runtime::Mutex> hold(lock_);
  tell([&](Observer& observer) { observer.stage_warned(stage, what); });
}

void Run::judge_failed_items(std::size_t stage) {
  const FailurePolicy& policy = graph_.stages[stage].failure;
  const std::uint64_t lost = cell(stage).lost.load(std::memory_order_relaxed);
  // A source has found what it sends and what it failed on.
  const bool is_source = graph_.stages[stage].inputs.empty();
  const std::uint64_t items = is_source
                                  ? cell(stage).items_out.load(std::memory_order_relaxed) + lost
                                  : cell(stage).items_in.load(std::memory_order_relaxed);
  // Without a percentage all has been said when the items failed.
  if (!policy.tolerate.percent || !policy.lets_go(lost) || policy.lets_go(lost, items)) return;
  std::string percent = std::to_string(*policy.tolerate.percent);
  percent.erase(percent.find_last_not_of('0') + 1);
  if (percent.ends_with('.')) percent.pop_back();
  {
    const std::lock_guard<runtime::Mutex> hold(lock_);
    keep_failure(stage, {FailureKind::kWork,
                         std::to_string(lost) + " of " + std::to_string(items) +
                             " items failed, and \"tolerate\" allows " + percent + " percent",
                         {}});
  }
  static_cast<void>(after_failed_item(stage));
}

void Run::run_started() {
  const std::lock_guard<runtime::Mutex> hold(lock_);
  tell([&](Observer& observer) { observer.run_started(graph_, progress_); });
}

void Run::stage_started(std::size_t stage, int goroutines) {
  const std::lock_guard<runtime::Mutex> hold(lock_);
  stages_[stage].started = since_start();
  stages_[stage].goroutines = goroutines;
  cell(stage).state.store(StageState::kRunning, std::memory_order_relaxed);
  tell([&](Observer& observer) { observer.stage_started(stage); });
}

void Run::stage_finished(std::size_t stage, StageState state) {
  const std::lock_guard<runtime::Mutex> hold(lock_);
  StageOutcome& outcome = stages_[stage];
  outcome.state = outcome.failure_count > 0 ? StageState::kFailed : state;
  outcome.counts = cell(stage).counts();
  outcome.up_to_date_count = cell(stage).up_to_date.load(std::memory_order_relaxed);
  if (outcome.started.count() != 0) outcome.ended = since_start();
  cell(stage).state.store(outcome.state, std::memory_order_relaxed);
  tell([&](Observer& observer) { observer.stage_finished(stage, outcome); });
}

// A run may come to its end between the raise and the drain() that follows it.
bool Run::was_interrupted() const {
  return interrupted_.load(std::memory_order_relaxed) ||
         (asked_to_drain_ != nullptr && asked_to_drain_->is_raised());
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
    if (!has_ended(stage)) {  // only after a deadlock: nobody brought it to an end
      stage.state = StageState::kCancelled;
      stage.counts = cell(i).counts();
      if (stage.started.count() != 0) stage.ended = outcome.elapsed;
    }
    failed = failed || stage.state == StageState::kFailed;
    complete = complete && stage.state == StageState::kSucceeded;
  }
  if (!outcome.stuck.empty()) {
    outcome.state = RunState::kDeadlocked;
  } else if (was_interrupted() && !complete) {
    outcome.state = RunState::kInterrupted;
  } else if (timed_out_.load(std::memory_order_relaxed) && !complete) {
    outcome.state = RunState::kTimedOut;
  } else if (failed) {
    outcome.state = RunState::kFailed;
  } else if (left_undone_.load(std::memory_order_relaxed)) {
    outcome.state = RunState::kUnfinished;
  }
  if (observer_ != nullptr) observer_->run_finished(outcome);
  return outcome;
}

}  // namespace gorun::jobs
