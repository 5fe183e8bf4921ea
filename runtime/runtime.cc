// runtime/runtime.cc - starting and ending a run, and what its users may ask of it.

#include "runtime/runtime.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <utility>

#include "runtime/fatal.h"
#include "runtime/fault.h"
#include "runtime/num_cpu.h"
#include "runtime/panic.h"
#include "runtime/sched/coarse_clock.h"
#include "runtime/sched/g_pool.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace_event.h"
#include "runtime/sched/waited_channels.h"
#include "runtime/trace.h"

namespace gorun::runtime {
namespace {

constexpr int kMaxProcs = 1024;
constexpr std::uint64_t kMainId = 1;  // of the first goroutine of a run

// A number from the environment, from `least` to `most`; 0 when it is not set.
long from_environment(const char* name, long least, long most) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before the run, by the thread that makes the Runtime
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return 0;
  char* end = nullptr;
  errno = 0;
  const long value = std::strtol(text, &end, 10);
  if (*end != '\0' || errno != 0 || value < least || value > most) {
    fatal("%s is \"%s\"; it must be a number from %ld to %ld", name, text, least, most);
  }
  return value;
}

std::int64_t sched_trace_ns_from(const Options& options) {
  constexpr long kLongestMs = 3'600'000;
  const long ms = options.sched_trace_ms > 0 ? options.sched_trace_ms
                                             : from_environment("GORUN_SCHEDTRACE", 1, kLongestMs);
  return std::int64_t{ms} * 1'000'000;
}

// The number of Ps that is asked for, or 0.
int fixed_procs(const Options& options) {
  if (options.deterministic != 0) return 1;
  if (options.procs > 0) return std::min(options.procs, kMaxProcs);
  return static_cast<int>(from_environment("GORUN_PROCS", 1, kMaxProcs));
}

SchedMode mode_from(const Options& options) {
  if (options.deterministic != 0) return {options.deterministic, true};
  if (options.jitter != 0) return {options.jitter, false};
  return {static_cast<std::uint64_t>(
              from_environment("GORUN_JITTER", 1, std::numeric_limits<long>::max())),
          false};
}

}  // namespace

int default_procs() {
  const int fixed = fixed_procs({});
  return fixed > 0 ? fixed : std::min(num_cpu(), kMaxProcs);
}

Runtime::Runtime(Options options) {
  if (sched != nullptr) fatal("runtime: another Runtime exists");
  SchedMode mode = mode_from(options);
  mode.sched_trace_ns = sched_trace_ns_from(options);
  if (options.stack != StackClass::kDefault) mode.stack_class = options.stack;
  mode.idle_thread_ns = std::int64_t{options.idle_thread_ms} * 1'000'000;
  int procs = fixed_procs(options);
  const bool is_single = procs == 1 || (procs == 0 && affinity_count() == 1);
  if (procs == 0) {
    if (!is_single) mode.procs_period_ns = std::int64_t{options.procs_period_ms} * 1'000'000;
    procs = std::min(num_cpu(), kMaxProcs);
  }
  sched_ = std::make_unique<Sched>(procs, is_single ? 1 : kMaxProcs, mode);
  sched = sched_.get();
  is_solo.store(sched->may_be_solo(), std::memory_order_relaxed);
}

Runtime::~Runtime() { sched = nullptr; }

RunResult Runtime::run(std::function<void()> main, SpawnSite where) {
  if (sched_->stopping.load(std::memory_order_relaxed))
    fatal("runtime: a second run of one Runtime");
  bool main_returned = false;
  std::size_t taken = 0;
  G* gp = GPool::instance().take(1, taken);
  gp->id = sched_->next_g_id.fetch_add(1, std::memory_order_relaxed);
  gp->spawned = where;
  gp->stack_class = sched_->mode.stack_class;
  note(TraceKind::kSpawn, gp);
  gp->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  detail::set_closure(gp, [&main, &main_returned] {
    main();
    main_returned = true;
  });
  {
    const PanicReports panic_reports;
    const FaultReports fault_reports;
    sched_->run(gp);
  }

  RunResult result;
  const std::int64_t end = clock_ns();
  GPool::instance().for_each([&](G& left) {
    if (left.status.load(std::memory_order_relaxed) != GStatus::kWaiting) return;
    const WaitReason reason = left.reason.load(std::memory_order_relaxed);
    if (reason != WaitReason::kOutside || left.id == kMainId) {  // nobody's leak
      result.stuck.push_back({left.id, left.label == nullptr ? "" : *left.label, reason,
                              left.spawned, Nanos(end - left.parked_since), waited_channels(left)});
    }
    // Its stack and block stay behind, unreachable for any later run, and out of its reports.
    left.status.store(GStatus::kAbandoned, std::memory_order_relaxed);
  });
  std::sort(result.stuck.begin(), result.stuck.end(),
            [](const GoroutineInfo& a, const GoroutineInfo& b) { return a.id < b.id; });
  if (!main_returned) {
    result.outcome = RunResult::Outcome::kDeadlocked;
  } else if (!result.stuck.empty()) {
    result.outcome = RunResult::Outcome::kLeaked;
  }
  return result;
}

int Runtime::procs() const { return sched_->procs.load(std::memory_order_relaxed); }

std::size_t Runtime::parked() const {
  std::size_t count = 0;
  GPool::instance().for_each([&](G& gp) {
    if (gp.status.load(std::memory_order_acquire) == GStatus::kWaiting) ++count;
  });
  return count;
}

std::size_t Runtime::parked(WaitReason reason) const {
  std::size_t count = 0;
  GPool::instance().for_each([&](G& gp) {
    if (gp.status.load(std::memory_order_acquire) == GStatus::kWaiting &&
        gp.reason.load(std::memory_order_relaxed) == reason) {
      ++count;
    }
  });
  return count;
}

std::vector<GoroutineInfo> Runtime::leaked() const {
  return sched_->orphans.list(coarse_clock.now());
}

Counters Runtime::counters() const {
  Counters sum;
  for (const auto& pp : sched_->ps) {
    sum.spawned += pp->counters.spawned.load(std::memory_order_relaxed);
    sum.steals += pp->counters.steals.load(std::memory_order_relaxed);
    sum.parks += pp->counters.parks.load(std::memory_order_relaxed);
    sum.wakes += pp->counters.wakes.load(std::memory_order_relaxed);
  }
  sum.handoffs = sched_->handoffs.load(std::memory_order_relaxed);
  sum.retakes = sched_->retakes.load(std::memory_order_relaxed);
  return sum;
}

bool in_goroutine() {
  const M* m = current_m();
  return m != nullptr && m->g != nullptr;
}

void set_label(std::string label) {
  require_goroutine("set_label");
  G* gp = current_m()->g;
  if (trace::is_on()) trace::label_caller(label);
  delete std::exchange(gp->label, new std::string(std::move(label)));
}

int procs() {
  if (sched == nullptr) fatal("procs: no Runtime");
  return sched->procs.load(std::memory_order_relaxed);
}

int set_procs(int count) {
  if (sched == nullptr) fatal("set_procs: no Runtime");
  return sched->set_procs(count, ProcsFrom::kGoroutine);
}

}  // namespace gorun::runtime
