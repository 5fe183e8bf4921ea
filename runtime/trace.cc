// runtime/trace.cc - recording; trace_json.cc makes a picture of it.
//
// An M writes to its own ring and nobody else does. stop() must not read a ring that is being
// written, nor may the M pay for a lock: the M raises `writing`, looks at `tracing` once more,
// writes, lowers it; stop() lowers `tracing`, then waits until no ring is being written. All four
// are seq_cst, so either the M sees that the trace is over, or stop() sees that the M writes.
//
// Rings live as long as the process, one for each number of an M: a late writer finds its ring
// there, and empty. Threads that are no M (sysmon, those of the user) share one ring with a lock.

#include "runtime/trace.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <fstream>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/fatal.h"
#include "runtime/runtime.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace_event.h"
#include "runtime/trace_json.h"

namespace gorun::runtime {

/// The latest events of one M. threads: its M; stop(), while `writing` is down and tracing is off.
struct TraceRing {
  std::atomic<bool> writing{false};
  std::unique_ptr<TraceEvent[]> events;  // made by the first event of a trace
  std::uint64_t count = 0;               // events since then, dropped ones included

  void push(const TraceEvent& event, std::size_t capacity) {
    if (events == nullptr) events = std::make_unique_for_overwrite<TraceEvent[]>(capacity);
    events[count++ % capacity] = event;
  }
};

namespace {

class Recorder {
 public:
  static Recorder& instance() {
    // Never destroyed: a thread may outlive the statics.
    alignas(Recorder) static std::byte storage[sizeof(Recorder)];
    static Recorder* const recorder = new (storage) Recorder;
    return *recorder;
  }

  void start(std::size_t capacity) {
    const std::lock_guard lock(mutex_);
    if (tracing.load(std::memory_order_relaxed)) fatal("trace: start during a trace");
    capacity_ = std::max<std::size_t>(capacity, 1);
    tracing.store(true, std::memory_order_seq_cst);
  }

  Recording stop() {
    const std::lock_guard lock(mutex_);
    if (!tracing.exchange(false, std::memory_order_seq_cst)) fatal("trace: stop without a trace");
    Recording recording;
    recording.names = names_;
    for (auto& ring : rings_) {
      if (ring == nullptr) continue;
      while (ring->writing.load(std::memory_order_seq_cst)) sched_yield();
      drain(*ring, recording);
    }
    drain(outside_, recording);
    sort_by_time(recording.events);
    return recording;
  }

  // Events of one thread within one nanosecond stay in their order. Not std::stable_sort, whose
  // buffer libstdc++ takes from a function that clang 19 calls deprecated.
  static void sort_by_time(std::vector<TraceEvent>& events) {
    std::vector<std::pair<std::int64_t, std::size_t>> order;
    order.reserve(events.size());
    for (std::size_t i = 0; i < events.size(); ++i) order.emplace_back(events[i].time, i);
    std::sort(order.begin(), order.end());
    std::vector<TraceEvent> sorted;
    sorted.reserve(events.size());
    for (const auto& [time, index] : order) sorted.push_back(events[index]);
    events = std::move(sorted);
  }

  void record(const TraceEvent& event) {
    M* m = current_m();
    if (m == nullptr) {
      const std::lock_guard lock(mutex_);
      if (tracing.load(std::memory_order_relaxed)) outside_.push(event, capacity_);
      return;
    }
    if (m->trace_ring == nullptr) m->trace_ring = ring_of(m->id);
    TraceRing& ring = *m->trace_ring;
    ring.writing.store(true, std::memory_order_seq_cst);
    if (tracing.load(std::memory_order_seq_cst)) ring.push(event, capacity_);
    ring.writing.store(false, std::memory_order_release);  // pairs with the load in stop()
  }

  std::uint32_t number_of(std::string_view text) {
    const std::lock_guard lock(mutex_);
    const auto [at, added] =
        numbers_.try_emplace(std::string(text), static_cast<std::uint32_t>(names_.size()));
    if (added) names_.emplace_back(text);
    return at->second;
  }

 private:
  TraceRing* ring_of(int m) {
    const std::lock_guard lock(mutex_);
    const auto index = static_cast<std::size_t>(m);
    if (index >= rings_.size()) rings_.resize(index + 1);
    if (rings_[index] == nullptr) rings_[index] = std::make_unique<TraceRing>();
    return rings_[index].get();
  }

  void drain(TraceRing& ring, Recording& into) const {
    const std::uint64_t kept = std::min<std::uint64_t>(ring.count, capacity_);
    into.dropped += ring.count - kept;
    for (std::uint64_t i = ring.count - kept; i < ring.count; ++i) {
      into.events.push_back(ring.events[i % capacity_]);
    }
    ring.events.reset();
    ring.count = 0;
  }

  std::mutex mutex_;
  // Read by writers: set while nobody traces, published by `tracing`.
  std::size_t capacity_ = 1;
  std::vector<std::unique_ptr<TraceRing>> rings_;  // guarded by mutex_; by the number of the M
  TraceRing outside_;                              // guarded by mutex_
  std::vector<std::string> names_;                 // guarded by mutex_; by number
  std::unordered_map<std::string, std::uint32_t> numbers_;  // guarded by mutex_
};

// As an event has it.
std::uint64_t slice_of(trace::Name track, trace::Name name) {
  return std::uint64_t{track.number()} << 32 | name.number();
}

std::int64_t event_time() { return sched == nullptr ? monotonic_ns() : clock_ns(); }

// From user code: the P must not change hands while it is noted.
void record_of_caller(TraceKind kind, std::uint64_t g, std::uint64_t arg) {
  const auto record = [&] {
    const M* m = current_m();
    const bool on_g = m != nullptr && m->g != nullptr;
    Recorder::instance().record({event_time(),
                                 kind == TraceKind::kCounter ? g
                                 : on_g                      ? m->g->id
                                                             : 0,
                                 arg, m != nullptr ? m->id : -1, -1, kind, WaitReason::kNone});
  };
  if (in_goroutine()) {
    const RtSection rt;
    record();
  } else {
    record();
  }
}

}  // namespace

namespace detail {

void note_g(TraceKind kind, const G* gp, WaitReason reason) {
  const M* m = current_m();  // null for the main goroutine's spawn, and on sysmon
  const int p = m != nullptr && m->p != nullptr ? m->p->id : -1;
  TraceEvent event{event_time(), gp->id, 0, m != nullptr ? m->id : -1, static_cast<std::int16_t>(p),
                   kind,         reason};
  if (kind == TraceKind::kSpawn) {
    event.arg = reinterpret_cast<std::uint64_t>(gp->spawned.file);
    event.m = static_cast<std::int32_t>(gp->spawned.line);
  }
  if (kind == TraceKind::kReady && m != nullptr && m->g != nullptr) event.arg = m->g->id;
  Recorder::instance().record(event);
}

void note_p(TraceKind kind, const M* m, const P* pp, int arg) {
  Recorder::instance().record({event_time(), 0, static_cast<std::uint64_t>(arg), m->id,
                               static_cast<std::int16_t>(pp->id), kind, WaitReason::kNone});
}

}  // namespace detail

namespace trace {

void start(Options options) { Recorder::instance().start(options.events_per_thread); }

bool is_on() { return tracing.load(std::memory_order_relaxed); }

void stop(std::ostream& out) { write_trace_json(Recorder::instance().stop(), out); }

std::error_code stop(const std::string& path) {
  const Recording recording = Recorder::instance().stop();
  errno = 0;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  if (out) write_trace_json(recording, out);
  out.close();
  if (out) return {};
  return {errno != 0 ? errno : EIO, std::generic_category()};
}

Name::Name(std::string_view text) : number_(Recorder::instance().number_of(text)) {}

void label_caller(std::string_view label) {
  record_of_caller(TraceKind::kLabel, 0, Name(label).number());
}

void begin_slice(Name track, Name name) {
  if (is_on()) record_of_caller(TraceKind::kSliceBegin, 0, slice_of(track, name));
}

void end_slice(Name track, Name name) {
  if (is_on()) record_of_caller(TraceKind::kSliceEnd, 0, slice_of(track, name));
}

void counter(Name series, std::int64_t value) {
  if (is_on()) {
    record_of_caller(TraceKind::kCounter, std::bit_cast<std::uint64_t>(value), series.number());
  }
}

}  // namespace trace
}  // namespace gorun::runtime
