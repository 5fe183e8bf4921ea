// runtime/trace_json.h - from scheduler events to the Trace Event Format that Perfetto draws.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "runtime/sched/trace_event.h"

namespace gorun::runtime {

/// What a trace recorded.
struct Recording {
  std::vector<TraceEvent> events;  // by time
  std::uint64_t dropped = 0;       // older events that no ring had room for
  std::vector<std::string> names;  // by number
};

/// Writes `recording` as one JSON object. Goroutines of which the beginning was dropped are shown
/// as beginning with the trace; whatever has no end is shown as ending with it.
void write_trace_json(const Recording& recording, std::ostream& out);

}  // namespace gorun::runtime
