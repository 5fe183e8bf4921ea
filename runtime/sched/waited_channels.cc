// runtime/sched/waited_channels.cc - see waited_channels.h.

#include "runtime/sched/waited_channels.h"

#include "runtime/chan_core.h"
#include "runtime/sched/g.h"

namespace gorun::runtime {

WaitedChannel waited_channel(const ChanCore* chan, WaitedChannel::Way way) {
  WaitedChannel waited;
  waited.way = way;
  waited.is_freed = chan == nullptr;
  if (chan == nullptr) return waited;
  waited.identity = chan;
  if (chan->label() != nullptr) waited.label = *chan->label();
  waited.fill = chan->size();
  waited.capacity = chan->capacity();
  waited.is_orphaned =
      !chan->is_closed() &&
      !(way == WaitedChannel::Way::kSend ? chan->has_receivers() : chan->has_senders());
  return waited;
}

std::vector<WaitedChannel> waited_channels(const G& gp) {
  std::vector<WaitedChannel> all;
  switch (gp.reason.load(std::memory_order_relaxed)) {
    case WaitReason::kChanSend:
      all.push_back(
          waited_channel(static_cast<const ChanCore*>(gp.parked_on), WaitedChannel::Way::kSend));
      break;
    case WaitReason::kChanRecv:
      all.push_back(
          waited_channel(static_cast<const ChanCore*>(gp.parked_on), WaitedChannel::Way::kReceive));
      break;
    case WaitReason::kSelect:
      append_waited_channels(*static_cast<const Select*>(gp.parked_on), all);
      break;
    default:
      break;
  }
  return all;
}

}  // namespace gorun::runtime
