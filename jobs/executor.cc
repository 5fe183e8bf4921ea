#include "jobs/executor.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <exception>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "jobs/deadlock_report.h"
#include "jobs/duration.h"
#include "jobs/exec/command_gate.h"
#include "jobs/inbox.h"
#include "jobs/plan.h"
#include "jobs/run.h"
#include "jobs/run_clock.h"
#include "jobs/stage.h"
#include "jobs/stage_kinds.h"
#include "jobs/worker.h"
#include "runtime/cancel.h"
#include "runtime/chan.h"
#include "runtime/io.h"
#include "runtime/runtime.h"
#include "runtime/semaphore.h"
#include "runtime/sync.h"

namespace gorun::jobs {
namespace {

// Writing to a pipe that nobody reads is an error like any other while a run lasts.
class SigpipeIgnored {
 public:
  SigpipeIgnored() {
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  ~SigpipeIgnored() { ::sigaction(SIGPIPE, &before_, nullptr); }
  SigpipeIgnored(const SigpipeIgnored&) = delete;
  SigpipeIgnored& operator=(const SigpipeIgnored&) = delete;

 private:
  struct sigaction before_ = {};
};

// The time for which the run is stopped is not part of `timeout`.
runtime::SleepEnd sleep_by_run_clock(std::chrono::nanoseconds timeout,
                                     const runtime::Cancel& cancel) {
  const RunClock::time_point begun = RunClock::now();
  auto end = runtime::SleepEnd::kElapsed;
  for (auto left = timeout; left.count() > 0 && end == runtime::SleepEnd::kElapsed;
       left = timeout - (RunClock::now() - begun)) {
    end = runtime::sleep_or_cancelled(left, cancel);
  }
  return end;
}

// A handle of its own on the interrupt's descriptor, closed if there is none.
runtime::Fd watched(const Interrupt* interrupt) {
  if (interrupt == nullptr) return {};
  const int fd = ::fcntl(interrupt->fd(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return std::move(runtime::Fd::adopt(fd).fd);
}

// A chain of the plan, alive.
struct LiveChain {
  std::optional<Inbox> inbox;
  std::optional<Reorder> order;
  InputStateCell input;
  WaitingAttempts attempts;
  EndsOfBeginning ends;
  std::optional<ShardInboxes> shards;
  std::optional<Surroundings> where;
  std::size_t nodes_judged = 0;          // of its nodes, from the first on
  std::size_t nodes_told = 0;            // likewise: whose readers know of the end
  std::size_t nodes_ended = 0;           // likewise
  InputState sent = InputState::kWhole;  // what the readers are told
};

// When a stage is done, and with what result. Written by its chains, in any order.
struct LiveStage {
  runtime::Chan<runtime::Unit> done{0};  // closed by the last chain of the stage
  std::atomic<int> chains_to_end{0};
  std::atomic<bool> is_cut_short{false};  // some chain of it did not come to its end
  std::atomic<bool> is_skipped{false};
  runtime::Cancel ended;  // then, too: its timeout is off
  int goroutines = 0;     // of the widest part of it, all in one chain
};

// How far a chain came.
enum class ChainEnd { kComplete, kCutShort, kSkipped };

class Execution {
 public:
  Execution(const Graph& graph, const RunOptions& options, const StageMaker& make)
      : interrupt_(watched(options.interrupt)),
        drain_(watched(options.drain)),
        timeout_(options.timeout),
        scheduler_({.procs = options.procs > 0 ? options.procs : graph.limits.procs,
                    .jitter = options.jitter,
                    .deterministic = options.deterministic}),
        run_(graph, options.observer, seed_of(options)),
        plan_(make_plan(graph, scheduler_.procs(), make_room_for_files(graph, scheduler_.procs()),
                        make)),
        options_(options),
        stages_(graph.stages.size()),
        chains_(plan_.chains.size()) {
    const CommandGate::Limits limits = {.max_load = graph.limits.max_load,
                                        .memfree = graph.limits.memfree};
    if (limits.any() || options.jobserver != nullptr) {
      gate_.emplace(limits, options.jobserver, machine_state());
    }
    run_.heed(options.drain);
    for (const Pool& pool : graph.pools) pools_.emplace_back(pool.places);
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      stages_[s].done.set_label(end_label(graph.stages[s].name));
    }
    for (std::size_t c = 0; c < chains_.size(); ++c) make_inbox(c);
    for (std::size_t c = 0; c < chains_.size(); ++c) make_surroundings(c);
    if (graph.fail != FailPolicy::kFast) run_.set_scopes(scopes_of_chains());
    run_.on_stop({.stopped = [this](std::size_t scope) { close_everything(scope); },
                  .draining = [this](std::size_t group) { close_drained(group); }});
  }

  Outcome run() {
    const SigpipeIgnored sigpipe_ignored;
    const runtime::RunResult result = scheduler_.run([this] { run_main(); });
    note_channels();
    return run_.finish(deadlock_report(run_.graph(), plan_, result.stuck));
  }

 private:
  static std::uint64_t seed_of(const RunOptions& options) {
    if (options.deterministic != 0) return options.deterministic;
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
  }

  // By stage: what has to stop together, since a goroutine runs for several stages and a stage
  // may be several chains. Union-find; the representative of a set is its lowest stage.
  std::vector<std::size_t> scopes_of_chains() const {
    std::vector<std::size_t> parent(stages_.size());
    std::iota(parent.begin(), parent.end(), std::size_t{0});
    const auto find = [&parent](std::size_t at) {
      while (parent[at] != at) at = parent[at] = parent[parent[at]];
      return at;
    };
    for (const PlanChain& chain : plan_.chains) {
      for (const std::size_t n : chain.nodes) {
        const std::size_t one = find(plan_.nodes[n].stage);
        const std::size_t other = find(plan_.nodes[chain.nodes.front()].stage);
        parent[std::max(one, other)] = std::min(one, other);
      }
    }
    std::vector<std::size_t> scopes(parent.size());
    std::size_t count = 0;
    for (std::size_t i = 0; i < parent.size(); ++i) {
      const std::size_t root = find(i);
      scopes[i] = root == i ? count++ : scopes[root];
    }
    return scopes;
  }

  StageCell& head_cell(const PlanChain& chain) {
    return run_.cell(plan_.nodes[chain.nodes.front()].stage);
  }

  void note_channels() {
    for (std::size_t c = 0; c < chains_.size(); ++c) {
      if (!chains_[c].inbox) continue;
      const auto fill = chains_[c].inbox->fill();
      if (fill) run_.note_channel(plan_.nodes[plan_.chains[c].nodes.front()].stage, *fill);
    }
  }

  bool runs_commands(const PlanChain& chain) const {
    return plan_.nodes[chain.nodes.front()].traits.runs_commands;
  }

  void make_inbox(std::size_t c) {
    const PlanChain& chain = plan_.chains[c];
    for (const std::size_t n : chain.nodes) {
      LiveStage& stage = stages_[plan_.nodes[n].stage];
      stage.chains_to_end.fetch_add(1, std::memory_order_relaxed);
      stage.goroutines = std::max({stage.goroutines, chain.workers, plan_.nodes[n].traits.shards});
    }
    if (chain.producers == 0) return;
    chains_[c].inbox.emplace(
        Inbox::Shape{
            .capacity = chain.capacity,
            .batch_items = chain.batch_items,
            .bytes = chain.bytes,
            .shares_evenly = chain.shares_evenly,
            .readers = chain.workers,
            .producers = chain.producers,
            .comes_back = chain.retries || plan_.nodes[chain.nodes.front()].traits.feeds_itself,
            .takes_lines = chain.takes_lines,
            .keeps_lines = chain.keeps_lines},
        &head_cell(chain).queued);
    chains_[c].inbox->set_label(run_.graph().stages[plan_.nodes[chain.nodes.front()].stage].name);
  }

  void make_surroundings(std::size_t c) {
    const PlanChain& chain = plan_.chains[c];
    LiveChain& live = chains_[c];
    const StageTraits& last = plan_.nodes[chain.nodes.back()].traits;
    if (last.gathers()) {
      live.shards.emplace(static_cast<std::size_t>(last.shards),
                          static_cast<std::size_t>(chain.workers));
    }
    live.where.emplace(Surroundings{.run = run_,
                                    .options = options_,
                                    .plan = plan_,
                                    .chain = chain,
                                    .inbox = live.inbox ? &*live.inbox : nullptr,
                                    .readers = {},
                                    .ports = {},
                                    .order = nullptr,
                                    .input = &live.input,
                                    .attempts = &live.attempts,
                                    .shards = live.shards ? &*live.shards : nullptr,
                                    .pool = chain.pool ? &pools_[*chain.pool] : nullptr,
                                    .gate = runs_commands(chain) && gate_ ? &*gate_ : nullptr,
                                    .ends = &live.ends,
                                    .procs = scheduler_.procs()});
    for (const std::size_t reader : chain.readers) {
      live.where->readers.push_back(&*chains_[reader].inbox);
    }
    if (chain.keeps_order) {
      live.order.emplace(
          Reorder::Shape{
              .window = chain.window, .bytes = chain.window_bytes, .retries = chain.retries},
          *live.inbox, live.where->readers);
      live.where->order = &*live.order;
    }
    for (const std::vector<PlanPort>& ports : chain.ports) {
      std::vector<LivePort>& mine = live.where->ports.emplace_back();
      for (const PlanPort& port : ports) {
        mine.push_back({.name = port.name, .readers = {}});
        for (const std::size_t reader : port.readers) {
          mine.back().readers.push_back(&*chains_[reader].inbox);
        }
      }
    }
  }

  void close_everything(std::size_t scope) {
    for (LiveChain& live : chains_) {
      if (live.where->scope() != scope) continue;
      if (live.inbox) live.inbox->close();
      if (live.order) live.order->close();
      if (live.shards) live.shards->close();
      live.attempts.over.cancel();
      live.ends.stopped.cancel();
    }
  }

  // Wakes what would wait for more work and shall begin none. Its producers find a reader that has
  // had enough.
  void close_drained(std::size_t group) {
    for (LiveChain& live : chains_) {
      if (live.where->group() != group) continue;
      live.attempts.over.cancel();
      live.ends.draining.cancel();
      if (live.inbox && live.where->ends_by_draining()) live.inbox->close();
    }
  }

  void run_main() {
    runtime::set_label("run");
    if (gate_) gate_->open();
    run_.run_started();
    runtime::WaitGroup watcher;
    watcher.go([this] { watch_interrupt(); });
    watcher.go([this] { watch_drain(); });
    if (timeout_) watcher.go([this] { watch_time(*timeout_); });
    runtime::WaitGroup chains;
    for (std::size_t c = 0; c < chains_.size(); ++c) {
      chains.go([this, c] { run_chain(c); });
    }
    chains.wait();
    timeouts_.wait();
    (void)interrupt_.close();
    (void)drain_.close();
    all_ended_.cancel();
    watcher.wait();
  }

  void watch_time(std::chrono::nanoseconds timeout) {
    runtime::set_label("timeout");
    if (sleep_by_run_clock(timeout, all_ended_) == runtime::SleepEnd::kElapsed) {
      run_.time_out();
    }
  }

  void watch_interrupt() {
    runtime::set_label("interrupt");
    // Aside: stages that wait for each other are a deadlock, although control-C could end it.
    if (interrupt_.wait_readable_aside()) run_.interrupt();
  }

  void watch_drain() {
    runtime::set_label("drain");
    if (drain_.wait_readable_aside()) run_.drain();
  }

  // Runs `body`; an exception that leaves it fails the stage of `node`. It is turned into a value
  // before anything parks: a goroutine must not move to another thread inside a catch.
  template <class Body>
  void guard(std::size_t node, Body body) {
    std::optional<Failure> failure;
    try {
      body();
    } catch (const std::exception& error) {
      failure = Failure{FailureKind::kInternal, error.what(), {}};
    } catch (...) {
      failure = Failure{FailureKind::kInternal, "an exception of unknown type", {}};
    }
    if (failure) run_.fail(plan_.nodes[node].stage, std::move(*failure));
  }

  void run_chain(std::size_t c) {
    const PlanChain& chain = plan_.chains[c];
    LiveChain& live = chains_[c];
    runtime::set_label(run_.graph().stages[plan_.nodes[chain.nodes.front()].stage].name);
    ChainEnd end = ChainEnd::kSkipped;
    if (may_start(chain)) {
      stages_started(chain);
      if (live.inbox) live.inbox->reading_begins();
      guard(chain.nodes.back(), [&] { run_workers(chain, live); });
      judge_nodes(chain, live, chain.nodes.size());
      if (live.where->is_stopped()) live.input.raise_to(InputState::kCutShort);
      end = live.input.get() == InputState::kCutShort ? ChainEnd::kCutShort : ChainEnd::kComplete;
    }
    if (live.inbox) live.inbox->close();
    tell_readers(chain, live, end);
    nodes_ended(chain, live, chain.nodes.size(), end);
  }

  // Of the chain's nodes those before `until`, as far as they have not been; so below. Of an input
  // that was cut short nobody knows what part of the whole has failed.
  void judge_nodes(const PlanChain& chain, LiveChain& live, std::size_t until) {
    const bool is_cut = live.where->is_stopped() || live.input.get() == InputState::kCutShort;
    for (; live.nodes_judged < until; ++live.nodes_judged) {
      const PlanNode& node = plan_.nodes[chain.nodes[live.nodes_judged]];
      if (node.is_last && !is_cut) run_.judge_failed_items(node.stage);
    }
  }

  // The result of a gathering chain may wait for a reader that needs a stage before it in the
  // chain: those have nothing more to do.
  void end_all_but_the_last(const PlanChain& chain, LiveChain& live) {
    const std::size_t last = chain.nodes.size() - 1;
    judge_nodes(chain, live, last);
    if (live.where->is_stopped()) return;
    const bool is_short = live.input.get() == InputState::kCutShort;
    const ChainEnd end = is_short ? ChainEnd::kCutShort : ChainEnd::kComplete;
    tell_ports(chain, live, last, end);
    nodes_ended(chain, live, last, end);
  }

  // That there is no more, and how complete it was.
  void tell_readers(const PlanChain& chain, LiveChain& live, ChainEnd end) {
    tell_ports(chain, live, chain.nodes.size(), end);
    tell(chain.readers, live.sent);
  }

  // The same by the ports of the nodes before `until`.
  void tell_ports(const PlanChain& chain, LiveChain& live, std::size_t until, ChainEnd end) {
    const bool is_complete = end == ChainEnd::kComplete;
    live.sent = is_complete ? std::max(live.sent, live.input.get()) : InputState::kCutShort;
    for (; live.nodes_told < until; ++live.nodes_told) {
      for (const PlanPort& port : chain.ports[live.nodes_told]) tell(port.readers, live.sent);
      const std::size_t stage = plan_.nodes[chain.nodes[live.nodes_told]].stage;
      if (run_.has_lost_items(stage)) live.sent = std::max(live.sent, InputState::kItemsLost);
    }
  }

  void tell(const std::vector<std::size_t>& readers, InputState state) {
    for (const std::size_t reader : readers) {
      chains_[reader].input.raise_to(state);
      chains_[reader].inbox->producer_done();
    }
  }

  // Waits for the stages that the chain needs.
  bool may_start(const PlanChain& chain) {
    bool succeeded = true;
    for (const std::size_t need : chain.needs) {
      static_cast<void>(stages_[need].done.recv());
      succeeded = succeeded && run_.state(need) == StageState::kSucceeded;
    }
    const std::size_t stage = plan_.nodes[chain.nodes.front()].stage;
    // A chain that waited for nothing has begun with the run, though its goroutine may not have.
    const bool waited = !chain.needs.empty();
    if (waited && run_.is_stopped(run_.scope_of(stage))) return false;
    if (waited && run_.is_draining(run_.group_of(stage))) return false;
    switch (chain.when) {
      case When::kSuccess:
        return succeeded;
      case When::kAlways:
        return true;
      case When::kFailure:
        return !succeeded;
    }
    return false;
  }

  void stages_started(const PlanChain& chain) {
    for (const std::size_t n : chain.nodes) {
      if (!plan_.nodes[n].is_first) continue;
      run_.stage_started(plan_.nodes[n].stage, stages_[plan_.nodes[n].stage].goroutines);
      start_timeout(plan_.nodes[n]);
    }
  }

  // Of a stage that has one for its work as a whole; what begins operations times each of them.
  void start_timeout(const PlanNode& node) {
    const auto timeout = run_.graph().stages[node.stage].failure.timeout;
    // In a row of nodes it is not the first that begins them.
    const bool times_operations = std::ranges::any_of(plan_.nodes, [&node](const PlanNode& other) {
      return other.stage == node.stage && other.traits.begins_operations;
    });
    if (!timeout || times_operations) return;
    timeouts_.go([this, stage = node.stage, timeout = *timeout] {
      runtime::set_label("timeout");
      const auto end = sleep_by_run_clock(timeout, stages_[stage].ended);
      if (end == runtime::SleepEnd::kCancelled) return;
      // The stage may have come to its end since.
      run_.fail_unless_ended(stage, {.kind = FailureKind::kWork,
                                     .what = "timed out after " + duration_text(timeout),
                                     .item = {},
                                     .cause = FailureCause::kTimeout});
    });
  }

  void nodes_ended(const PlanChain& chain, LiveChain& live, std::size_t until, ChainEnd end) {
    for (; live.nodes_ended < until; ++live.nodes_ended) {
      const std::size_t n = chain.nodes[live.nodes_ended];
      LiveStage& stage = stages_[plan_.nodes[n].stage];
      if (end == ChainEnd::kCutShort) stage.is_cut_short.store(true, std::memory_order_relaxed);
      if (end == ChainEnd::kSkipped) stage.is_skipped.store(true, std::memory_order_relaxed);
      // acq_rel: the last one sees what the others stored.
      if (stage.chains_to_end.fetch_sub(1, std::memory_order_acq_rel) != 1) continue;
      const bool skipped = stage.is_skipped.load(std::memory_order_relaxed);
      const bool cut_short = stage.is_cut_short.load(std::memory_order_relaxed);
      run_.stage_finished(plan_.nodes[n].stage, skipped     ? StageState::kSkipped
                                                : cut_short ? StageState::kCancelled
                                                            : StageState::kSucceeded);
      stage.done.close();
      stage.ended.cancel();
    }
  }

  void run_workers(const PlanChain& chain, LiveChain& live) {
    std::vector<std::unique_ptr<Worker>> workers;
    workers.reserve(static_cast<std::size_t>(chain.workers));
    for (int w = 0; w < chain.workers; ++w) {
      workers.push_back(std::make_unique<Worker>(*live.where));
    }
    std::vector<std::unique_ptr<Merger>> mergers;
    const std::size_t last = chain.nodes.back();
    for (std::size_t s = 0; live.shards && s < live.shards->size(); ++s) {
      mergers.push_back(plan_.nodes[last].work->make_merger(
          {.shard = s, .shards = live.shards->size(), .is_alone = chain.concludes_by_shard}));
    }
    runtime::WaitGroup merging;
    for (std::size_t s = 0; s < mergers.size(); ++s) {
      merging.go([this, last, &live, &merger = *mergers[s], &parcels = (*live.shards)[s]] {
        guard(last, [&] { run_merger(last, merger, parcels, *live.where); });
      });
    }
    runtime::WaitGroup running;
    runtime::WaitGroup passing_on;
    const std::string& label = run_.graph().stages[plan_.nodes[chain.nodes.front()].stage].name;
    if (live.order) {
      passing_on.go([this, &chain, &label, &order = *live.order] {
        runtime::set_label(label);
        guard(chain.nodes.back(), [&order] { order.run(); });
      });
    }
    for (const std::unique_ptr<Worker>& worker : workers) {
      running.go([this, &chain, &label, worker = worker.get()] {
        runtime::set_label(label);
        guard(chain.nodes.front(), [worker] { worker->work(); });
      });
    }
    running.wait();
    live.attempts.all.wait();  // a stop ends their pauses
    leave_out_what_came_back(chain, live);
    passing_on.wait();
    if (!live.shards) return;
    live.shards->close();
    merging.wait();
    if (live.where->is_stopped()) return;
    end_all_but_the_last(chain, live);
    if (!chain.concludes_by_shard) return workers.front()->conclude();
    runtime::WaitGroup concluding;
    for (std::size_t w = 0; w < workers.size(); ++w) {
      concluding.go([this, w, last, &label, &workers, shards = live.shards->size()] {
        runtime::set_label(label);
        guard(last, [&] { workers[w]->conclude_shards(w, workers.size(), shards); });
      });
    }
    concluding.wait();
  }

  // For another attempt, when the workers had gone.
  static void leave_out_what_came_back(const PlanChain& chain, LiveChain& live) {
    if (live.order) {
      for (Batch& batch : live.order->finish()) live.where->leave_out(std::move(batch));
    }
    if (!live.inbox || !chain.retries) return;
    for (Batch batch; live.inbox->try_take(&batch) == Inbox::Taken::kBatch;) {
      live.where->leave_out(std::move(batch));
    }
  }

  void run_merger(std::size_t node, Merger& merger, runtime::Chan<ParcelPtr>& parcels,
                  const Surroundings& where) {
    StageCell& cell = run_.cell(plan_.nodes[node].stage);
    StageRows rows;
    rows.add(cell);
    StageClock clock;
    runtime::set_label(run_.graph().stages[plan_.nodes[node].stage].name);
    for (;;) {
      clock.switch_to(&cell.waiting_in);
      runtime::Received<ParcelPtr> parcel = parcels.recv();
      clock.switch_to(&cell.busy);
      if (!parcel || where.is_stopped()) break;
      merger.take(std::move(*parcel));
    }
    if (!where.is_stopped()) merger.finish();
    clock.switch_to(nullptr);
  }

  runtime::Fd interrupt_;
  runtime::Fd drain_;
  const std::optional<std::chrono::nanoseconds> timeout_;
  runtime::WaitGroup timeouts_;  // of stages
  // Here and not on run_main()'s stack, which after a deadlock nobody unwinds.
  const runtime::Cancel all_ended_;
  runtime::Runtime scheduler_;
  Run run_;
  Plan plan_;
  const RunOptions& options_;
  std::optional<CommandGate> gate_;       // nothing: commands start as there are workers
  std::deque<runtime::Semaphore> pools_;  // of Graph::pools
  std::deque<LiveStage> stages_;          // by stage; neither kind of entry may move
  std::deque<LiveChain> chains_;          // by chain of the plan
};

}  // namespace

Outcome execute(const Graph& graph, const RunOptions& options) {
  return execute(graph, options, make_stages);
}

Outcome execute(const Graph& graph, const RunOptions& options, const StageMaker& make) {
  return Execution(graph, options, make).run();
}

}  // namespace gorun::jobs
