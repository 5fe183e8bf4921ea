// runtime/runtime.cc - starting and ending a run, and what its users may ask of it.

#include "runtime/runtime.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <utility>

#include "runtime/fatal.h"
#include "runtime/num_cpu.h"
#include "runtime/sched/g_pool.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

constexpr int kMaxProcs = 1024;

// A number from the environment, from `least` to `most`; 0 when it is not set.
long from_environment(const char* name, long least, long most) {
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

int procs_from(const Options& options) {
  if (options.deterministic != 0) return 1;
  if (options.procs > 0) return std::min(options.procs, kMaxProcs);
  if (const long wanted = from_environment("GORUN_PROCS", 1, kMaxProcs); wanted > 0) {
    return static_cast<int>(wanted);
  }
  return num_cpu();
}

SchedMode mode_from(const Options& options) {
  if (options.deterministic != 0) return {options.deterministic, true};
  if (options.jitter != 0) return {options.jitter, false};
  return {static_cast<std::uint64_t>(
              from_environment("GORUN_JITTER", 1, std::numeric_limits<long>::max())),
          false};
}

}  // namespace

Runtime::Runtime(Options options) {
  if (sched != nullptr) fatal("runtime: another Runtime exists");
  sched_ = std::make_unique<Sched>(procs_from(options), mode_from(options));
  sched = sched_.get();
  multi_p = sched->multi;
}

Runtime::~Runtime() { sched = nullptr; }

RunResult Runtime::run(std::function<void()> main) {
  if (sched_->stopping.load(std::memory_order_relaxed)) {
    fatal("runtime: a Runtime runs once");
  }
  bool main_returned = false;
  std::size_t taken = 0;
  G* gp = GPool::instance().take(1, taken);
  gp->id = sched_->next_g_id.fetch_add(1, std::memory_order_relaxed);
  gp->spawned = std::source_location::current();
  gp->status.store(GStatus::kRunnable, std::memory_order_relaxed);
  detail::set_closure(gp, [&main, &main_returned] {
    main();
    main_returned = true;
  });
  sched_->run(gp);

  RunResult result;
  GPool::instance().for_each([&](G& left) {
    if (left.status.load(std::memory_order_relaxed) != GStatus::kWaiting) return;
    result.stuck.push_back({left.id, left.label == nullptr ? "" : *left.label,
                            left.reason.load(std::memory_order_relaxed), left.spawned});
    // Its stack and block stay behind, unreachable for any later run, and out of its reports.
    left.status.store(GStatus::kAbandoned, std::memory_order_relaxed);
  });
  if (!main_returned) {
    result.outcome = RunResult::Outcome::kDeadlocked;
  } else if (!result.stuck.empty()) {
    result.outcome = RunResult::Outcome::kLeaked;
  }
  return result;
}

int Runtime::procs() const { return static_cast<int>(sched_->ps.size()); }

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
  delete std::exchange(gp->label, new std::string(std::move(label)));
}

int procs() {
  if (sched == nullptr) fatal("procs: no Runtime");
  return static_cast<int>(sched->ps.size());
}

}  // namespace gorun::runtime
