// runtime/sched/orphans.h - goroutines that are known to be parked for good while their run goes
// on.
//
// One that waits in a plain send or receive on a channel none of whose handles can do the other
// half (chan_ends.h) never runs again: what is noted of it stays true.
#pragma once

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/run_result.h"

namespace gorun::runtime {

class ChanCore;
struct G;

/// threads: all members, any.
class Orphans {
 public:
  void add(GoroutineInfo info, std::int64_t parked_since) {
    const std::lock_guard guard(mutex_);
    all_.push_back({std::move(info), parked_since});
  }
  /// All of them, in the order of their being found; `now` by the clock of the run.
  [[nodiscard]] std::vector<GoroutineInfo> list(std::int64_t now) const {
    const std::lock_guard guard(mutex_);
    std::vector<GoroutineInfo> listed;
    listed.reserve(all_.size());
    for (const Orphan& orphan : all_) {
      listed.push_back(orphan.info);
      listed.back().waited = Nanos(now - orphan.parked_since);
    }
    return listed;
  }

 private:
  struct Orphan {
    GoroutineInfo info;
    std::int64_t parked_since;
  };

  mutable std::mutex mutex_;
  std::vector<Orphan> all_;  // guarded by mutex_
};

/// Notes `gp`, which waits on `chan` or is about to, with the channel's lock held. In the runtime.
void note_orphan(const G& gp, const ChanCore& chan, WaitedChannel::Way way);

}  // namespace gorun::runtime
