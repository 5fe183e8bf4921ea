// runtime/sched/p_caches.h - a P's own stacks and G blocks, and their way to and from the pools.
//
// Taking and giving touch nothing that another P does; the pools behind them are asked for some at
// a time. All functions here: the owner of the P only, in the runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "runtime/arch/stack.h"
#include "runtime/sched/g.h"
#include "runtime/sched/g_pool.h"
#include "runtime/sched/p.h"

namespace gorun::runtime {

// Stacks kept per P, by class: each has at least one resident page, and a large one that ran has
// more.
inline constexpr std::uint32_t kCachedStacks[arch::kStackClasses] = {64, 64, 8, 2};
inline constexpr std::uint32_t kCachedGs = 512;
inline constexpr std::size_t kGBatch = 32;  // taken from the pool at once

/// Some stacks into a cache that has none.
void fill_stacks(P* pp, StackClass size_class);

inline arch::Stack* take_stack(P* pp, StackClass size_class) {
  P::StackCache& cache = pp->stacks[arch::class_index(size_class)];
  if (cache.free == nullptr) fill_stacks(pp, size_class);
  arch::Stack* stack = cache.free;
  cache.free = stack->next;
  --cache.count;
  return stack;
}

/// Replaces the last stack of its class, just taken, if more goroutines wait for their first turn.
/// Whoever switches to one that never ran may hold a lock until the switch is done (that of the
/// channel it waits for), and new stacks take the kernel some microseconds each: so they are had
/// before there is need of one, by who holds no lock.
inline void fill_stacks_ahead(P* pp, StackClass size_class) {
  const P::StackCache& cache = pp->stacks[arch::class_index(size_class)];
  if (cache.free == nullptr && !pp->spawned.empty()) fill_stacks(pp, size_class);
}

inline void give_stack(P* pp, arch::Stack* stack) {
  const std::size_t index = arch::class_index(stack->size_class);
  P::StackCache& cache = pp->stacks[index];
  stack->next = cache.free;
  cache.free = stack;
  if (++cache.count < kCachedStacks[index]) return;
  // Keep the hottest; the rest serves the other Ps.
  const std::uint32_t kept = kCachedStacks[index] / 2;
  arch::Stack* last = stack;
  for (std::size_t i = 1; i < kept; ++i) last = last->next;
  arch::Stack* rest = std::exchange(last->next, nullptr);
  arch::Stack* end = rest;
  while (end->next != nullptr) end = end->next;
  cache.count = kept;
  arch::StackPool::instance().give(rest, end);
}

inline G* take_g(P* pp) {
  if (pp->free_gs == nullptr) {
    std::size_t taken = 0;
    pp->free_gs = GPool::instance().take(kGBatch, taken);
    pp->free_g_count = static_cast<std::uint32_t>(taken);
  }
  G* gp = pp->free_gs;
  pp->free_gs = gp->next;
  --pp->free_g_count;
  return gp;
}

inline void give_g(P* pp, G* gp) {
  gp->next = pp->free_gs;
  pp->free_gs = gp;
  if (++pp->free_g_count < kCachedGs) return;
  G* last = gp;
  for (std::size_t i = 1; i < kCachedGs / 2; ++i) last = last->next;
  G* rest = std::exchange(last->next, nullptr);
  G* end = rest;
  while (end->next != nullptr) end = end->next;
  pp->free_g_count = kCachedGs / 2;
  GPool::instance().give(rest, end);
}

}  // namespace gorun::runtime
