// runtime/wait_group.h - WaitGroup: waits until a set of goroutines has finished.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "runtime/runtime.h"
#include "runtime/spawn_site.h"
#include "runtime/wait_queue.h"

namespace gorun::runtime {

/// Waits for a set of goroutines to finish.
///
/// add() must happen before the wait() that it is to hold back; done() below zero aborts. Once
/// wait() has returned the group may be used again. order   a done() happens-before the return of
/// any wait() that it releases.
class WaitGroup {
 public:
  WaitGroup() = default;
  WaitGroup(const WaitGroup&) = delete;
  WaitGroup& operator=(const WaitGroup&) = delete;

  void add(int n);
  void done() { add(-1); }
  void wait();

  /// add(1), then a goroutine that runs `f` and calls done().
  template <class F>
  void go(F f, SpawnSite where = SpawnSite::current()) {
    go(StackClass::kDefault, std::move(f), where);
  }
  template <class F>
  void go(StackClass stack, F f, SpawnSite where = SpawnSite::current()) {
    add(1);
    runtime::go(
        stack,
        [this, body = std::move(f)]() mutable {
          body();
          done();
        },
        where);
  }

 private:
  static constexpr std::int64_t kOne = std::int64_t{1} << 32;  // one unfinished; below: waiters

  // The acq_rel step to zero, and the release after it where there were waiters, pair with wait()'s
  // acquire.
  std::atomic<std::int64_t> state_{0};
  WaitQueue waiters_;
};

}  // namespace gorun::runtime
