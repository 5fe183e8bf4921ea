// runtime/sched/p_caches.cc - see p_caches.h.

#include "runtime/sched/p_caches.h"

#include <algorithm>

namespace gorun::runtime {

void fill_stacks(P* pp, StackClass size_class) {
  const std::size_t index = arch::class_index(size_class);
  P::StackCache& cache = pp->stacks[index];
  arch::UnusedStacks& unused = pp->unused_stacks[index];
  const std::uint32_t most = kCachedStacks[index];
  // Few, as each of them has a page from here on.
  const std::uint32_t wanted = std::max(most / 8, 1U);
  arch::StackPool& pool = arch::StackPool::instance();
  cache.free = pool.take(size_class, wanted);
  if (cache.free == nullptr) {
    if (unused.count == 0) {
      // Those that never ran are had in greater number, for their guards cost less that way
      // (stack.cc). Each guard needs an eighth of a page of page tables, used or not: so a program
      // with few goroutines begins with a few.
      cache.last_run = std::clamp(2 * cache.last_run, wanted, most);
      unused = pool.take_unused(size_class, cache.last_run);
    }
    cache.free = arch::StackPool::prepare(size_class, unused, wanted);
  }
  for (arch::Stack* s = cache.free; s != nullptr; s = s->next) ++cache.count;
}

P::~P() {
  arch::StackPool& pool = arch::StackPool::instance();
  for (std::size_t i = 0; i < arch::kStackClasses; ++i) {
    pool.give_unused(arch::class_at(i), unused_stacks[i]);
    if (arch::Stack* last = stacks[i].free) {
      while (last->next != nullptr) last = last->next;
      pool.give(stacks[i].free, last);
    }
  }
  if (G* last = free_gs) {
    while (last->next != nullptr) last = last->next;
    GPool::instance().give(free_gs, last);
  }
}

}  // namespace gorun::runtime
