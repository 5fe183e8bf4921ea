// runtime/sched/waited_channels.h - on which channels is a parked goroutine waiting?
//
// Asked only of goroutines that are parked for good, once no M runs any more: nothing is locked.
#pragma once

#include <vector>

#include "runtime/run_result.h"

namespace gorun::runtime {

class ChanCore;
class Select;
struct G;

/// The channels of `gp`'s operation, in no particular order; none if it waits for something else.
std::vector<WaitedChannel> waited_channels(const G& gp);

/// `chan` as reports see it; null stands for one that was freed under the goroutine.
WaitedChannel waited_channel(const ChanCore* chan, WaitedChannel::Way way);

/// The channels of a select. In select.cc, which alone knows its insides.
void append_waited_channels(const Select& parked, std::vector<WaitedChannel>& out);

}  // namespace gorun::runtime
