// runtime/sched/g_pool.cc - see g_pool.h.

#include "runtime/sched/g_pool.h"

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
  if (unused_ == 0) {
    slabs_.push_back(new G[kSlab]);
    unused_ = kSlab;
  }
  taken = std::min(wanted, unused_);
  G* run = slabs_.back() + (kSlab - unused_);
  unused_ -= taken;
  for (std::size_t i = 0; i + 1 < taken; ++i) run[i].next = &run[i + 1];
  run[taken - 1].next = nullptr;
  return run;
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
  for (G* slab : slabs_) {
    for (std::size_t i = 0; i < kSlab; ++i) {
      if (slab[i].status.load(std::memory_order_acquire) != GStatus::kIdle) visit(slab[i]);
    }
  }
}

}  // namespace gorun::runtime
