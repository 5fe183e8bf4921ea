// runtime/sched/orphans.cc - see orphans.h.

#include "runtime/sched/orphans.h"

#include "runtime/chan_core.h"
#include "runtime/sched/coarse_clock.h"
#include "runtime/sched/g.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/waited_channels.h"

namespace gorun::runtime {

void note_orphan(const G& gp, const ChanCore& chan, WaitedChannel::Way way) {
  GoroutineInfo info;
  info.id = gp.id;
  if (gp.label != nullptr) info.label = *gp.label;
  info.reason = way == WaitedChannel::Way::kSend ? WaitReason::kChanSend : WaitReason::kChanRecv;
  info.spawned = gp.spawned;
  info.channels.push_back(waited_channel(&chan, way));
  const bool is_parked = gp.status.load(std::memory_order_relaxed) == GStatus::kWaiting;
  sched->orphans.add(std::move(info), is_parked ? gp.parked_since : coarse_clock.now());
}

}  // namespace gorun::runtime
