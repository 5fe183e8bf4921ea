// runtime/sched/goroutine.h - the life of a goroutine on its stack: start, switch, end.
#pragma once

#include "runtime/sched/m.h"
#include "runtime/sched/p.h"
#include "runtime/spawn_site.h"

namespace gorun::runtime {

/// Runs `gp` from g0 until some G switches back to g0. The M owns a P and is in the runtime.
void run_from_g0(M* m, G* gp);

/// Leaves the calling G for g0; `commit` runs there. Returns when the G runs again, with a P.
void switch_to_g0(M* m, void (*commit)(G*, void*), void* arg);

/// Now and then lets another G run first: the random yields of a run with jitter. In the runtime.
void jitter();

/// The next G that `pp` holds, or null: what to run is decided here whenever it is cheap. Owner.
G* pick_local(P* pp);

/// Fires the timers of `pp` that are due, but not more than it has room for. Owner, on g0 or in a G
/// that holds no lock.
void fire_timers(P* pp);

/// The two halves of go(), inside the runtime: a fresh G, to be given a closure (spawn.h), and its
/// submission. Owner of `pp`. May be called from a timer's fire function.
G* new_g(P* pp, SpawnSite where);
void submit_new_g(P* pp, G* gp);

}  // namespace gorun::runtime
