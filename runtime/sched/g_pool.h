// runtime/sched/g_pool.h - where Gs come from: slabs that live as long as the process.
//
// A G block is never returned to the heap: reports and parked() walk the slabs while goroutines
// come and go, and a block's status tells whether it is one.
//
// Slabs are small until there are thousands of Gs, and a huge page each from then on: who wakes or
// reports a crowd goes through them in the order of their making, with few misses of the TLB.
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
  struct Slab {
    G* gs = nullptr;
    std::size_t size = 0;
    std::size_t made = 0;  // the first so many were constructed; the rest is untouched memory
  };

  void visit_all(const std::function<void(G&)>& visit);  // holds mutex_
  void add_slab();                                       // holds mutex_

  static constexpr std::size_t kSmallSlab = 16 * 1024;        // bytes: 64 Gs
  static constexpr std::size_t kLargeSlab = 2 * 1024 * 1024;  // bytes: one huge page
  static constexpr std::size_t kSmallSlabs = 128;             // as much as one large one

  std::mutex mutex_;
  G* free_ = nullptr;        // guarded by mutex_
  std::vector<Slab> slabs_;  // guarded by mutex_; only the newest is not all made
};

}  // namespace gorun::runtime
