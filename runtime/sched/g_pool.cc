// runtime/sched/g_pool.cc - see g_pool.h.

#include "runtime/sched/g_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "runtime/arch/sanitizer.h"

namespace gorun::runtime {

GPool& GPool::instance() {
  // Never destroyed: a goroutine that was parked for good still owns its block.
  alignas(GPool) static std::byte storage[sizeof(GPool)];
  static GPool* const pool = new (storage) GPool;
  return *pool;
}

G* GPool::take(std::size_t wanted, std::size_t& taken) {
  const std::lock_guard lock(mutex_);
  taken = 1;
  if (free_ != nullptr) {
    G* first = free_;
    G* last = first;
    for (; taken < wanted && last->next != nullptr; ++taken) last = last->next;
    free_ = last->next;
    last->next = nullptr;
    return first;
  }
  if (slabs_.empty() || slabs_.back().made == slabs_.back().size) add_slab();
  Slab& slab = slabs_.back();
  taken = std::min(wanted, slab.size - slab.made);
  G* next = nullptr;
  for (std::size_t i = slab.made + taken; i-- > slab.made;) {
    G* gp = new (&slab.gs[i]) G;
    gp->next = next;
    next = gp;
  }
  slab.made += taken;
  return next;
}

void GPool::add_slab() {
  const bool is_small = slabs_.size() < kSmallSlabs;
  const std::size_t bytes = is_small ? kSmallSlab : kLargeSlab;
  void* const room = ::operator new (bytes, std::align_val_t{bytes});
  if (!is_small) madvise(room, bytes, MADV_HUGEPAGE);  // refused: small pages do as well
  slabs_.push_back({static_cast<G*>(room), bytes / sizeof(G), 0});
}

void GPool::give(G* first, G* last) {
  const std::lock_guard lock(mutex_);
  last->next = free_;
  free_ = first;
}

void GPool::for_each(const std::function<void(G&)>& visit) {
  const std::lock_guard lock(mutex_);
  visit_all(visit);
}

bool GPool::try_for_each(const std::function<void(G&)>& visit) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  visit_all(visit);
  return true;
}

void GPool::visit_all(const std::function<void(G&)>& visit) {
  for (const Slab& slab : slabs_) {
    for (std::size_t i = 0; i < slab.made; ++i) {
      if (slab.gs[i].status.load(std::memory_order_acquire) != GStatus::kIdle) visit(slab.gs[i]);
    }
  }
}

}  // namespace gorun::runtime
