// runtime/sched/trace_event.h - what the scheduler notes down for a trace, and where it does so.
//
// The hook is one relaxed load and a branch that is never taken while nobody traces. It sits beside
// what it reports and before that becomes visible to others: a goroutine is noted as ready before
// another M can note that it runs it, so that the times of events are in the order of their causes.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/wait_reason.h"

namespace gorun::runtime {

struct G;
struct M;
struct P;

enum class TraceKind : std::uint8_t {
  kSpawn,       // g was made; arg: bits of its SpawnSite
  kRun,         // g runs on m and p
  kPark,        // g waits, for `reason`
  kYield,       // g left its M, or had to, and is runnable
  kReady,       // g was made runnable; arg: by which G, or 0
  kEnd,         // g is over
  kBlock,       // g is in a marked blocking call on m
  kUnblock,     // g came back from it
  kTakeP,       // m has p
  kDropP,       // m has p no more
  kSteal,       // p took Gs; arg: from which P
  kLabel,       // g is called arg, a trace::Name
  kSliceBegin,  // g: a user's slice; arg: track << 32 | name
  kSliceEnd,    // arg: the same
  kCounter,     // arg: the series, a trace::Name; g: its value, as bits
};

struct TraceEvent {
  std::int64_t time;  // monotonic nanoseconds, virtual ones in a deterministic run
  std::uint64_t g;    // 0: none
  std::uint64_t arg;
  std::int32_t m;  // -1: a thread that is no M
  std::int16_t p;  // -1: none
  TraceKind kind;
  WaitReason reason;
};

/// Is somebody tracing? Relaxed where it is only a hint; trace.cc has the rest.
inline constinit std::atomic<bool> tracing{false};

namespace detail {
[[gnu::cold, gnu::noinline]] void note_g(TraceKind kind, const G* gp, WaitReason reason);
[[gnu::cold, gnu::noinline]] void note_p(TraceKind kind, const M* m, const P* pp, int arg);
}  // namespace detail

/// Notes what happens to `gp` on the calling M. In the runtime.
inline void note(TraceKind kind, const G* gp, WaitReason reason = WaitReason::kNone) {
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
    detail::note_g(kind, gp, reason);
}

/// Notes what happens between `m` and `pp`. Any thread.
inline void note(TraceKind kind, const M* m, const P* pp, int arg = 0) {
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
    detail::note_p(kind, m, pp, arg);
}

}  // namespace gorun::runtime
