// runtime/sched/g_pool.h - where Gs come from: slabs that live as long as the process.
//
// A G block is never returned to the heap: reports and parked() walk the slabs while goroutines
// come and go, and a block's status tells whether it is one.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "runtime/sched/g.h"

namespace gorun::runtime {

/// The process-wide pool behind the Ps' caches. threads: all members, any.
class GPool {
 public:
  static GPool& instance();

  /// A chain (by `next`) of one to `wanted` idle Gs; `taken` says how many.
  G* take(std::size_t wanted, std::size_t& taken);
  /// Gives back the chain from `first` to `last`.
  void give(G* first, G* last);
  /// Calls `visit` for every G that is not idle. States change meanwhile.
  void for_each(const std::function<void(G&)>& visit);
  /// The same for a thread that must not wait; returns false if it would have had to.
  bool try_for_each(const std::function<void(G&)>& visit);

 private:
  void visit_all(const std::function<void(G&)>& visit);  // holds mutex_

  static constexpr std::size_t kSlab = 64;  // Gs a slab: 16 KiB

  std::mutex mutex_;
  G* free_ = nullptr;       // guarded by mutex_
  std::vector<G*> slabs_;   // guarded by mutex_
  std::size_t unused_ = 0;  // guarded by mutex_; blocks of the newest slab never taken
};

}  // namespace gorun::runtime
