// runtime/sched/sched_trace.cc - see sched_trace.h.

#include "runtime/sched/sched_trace.h"

#include <algorithm>

#include "runtime/crash_text.h"
#include "runtime/sched/sched.h"

namespace gorun::runtime {
namespace {

std::string line(Sched& s, std::int64_t since_start) {
  std::size_t threads = 0;
  std::size_t idle = 0;
  {
    const std::lock_guard guard(s.lock);
    threads = s.ms.size() - s.ended_m_count + 1;
    idle = s.idle_m_count + (s.timekeeper != nullptr ? 1 : 0);
  }
  std::string queues = "[";
  std::string ticks = "[";
  std::uint64_t steals = 0;
  for (const auto& pp : s.ps) {
    const bool next = pp->runnext.load(std::memory_order_relaxed) != nullptr;
    queues += ' ' + std::to_string(pp->lrq.size() + pp->spawned.size() + (next ? 1 : 0));
    ticks += ' ' + std::to_string(pp->tick.load(std::memory_order_relaxed));
    steals += pp->counters.steals.load(std::memory_order_relaxed);
  }
  const auto number = [](const auto& atomic) {
    return std::to_string(atomic.load(std::memory_order_relaxed));
  };
  return "SCHED " + std::to_string(since_start / 1'000'000) + "ms: gomaxprocs=" + number(s.procs) +
         " idleprocs=" + number(s.idle_ps) + " threads=" + std::to_string(threads) +
         " spinningthreads=" + number(s.spinning) +
         " needspinning=0 idlethreads=" + std::to_string(idle) +
         " runqueue=" + std::to_string(s.grq.size()) + ' ' + queues + " ] schedticks=" + ticks +
         " ] steals=" + std::to_string(steals) + " handoffs=" + number(s.handoffs) +
         " retakes=" + number(s.retakes) + '\n';
}

}  // namespace

SchedTrace::SchedTrace(std::int64_t interval_ns, std::int64_t now)
    : interval_ns_(interval_ns), start_(now), next_(now + interval_ns) {}

std::int64_t SchedTrace::shorten(std::int64_t pause_ns, std::int64_t now) const {
  return is_on() ? std::clamp<std::int64_t>(next_ - now, 0, pause_ns) : pause_ns;
}

void SchedTrace::print_if_due(Sched& s, std::int64_t now) {
  if (!is_on() || now < next_) return;
  write_to_stderr(line(s, now - start_));
  next_ += interval_ns_;
  if (next_ <= now) next_ = now + interval_ns_;  // lines that were missed stay missed
}

}  // namespace gorun::runtime
