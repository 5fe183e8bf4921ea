// jobs/memory_shares.h - how "limits.memory" is shared among what holds items.
//
//   channel  one in front of every stage that takes items
//   window   of a stage with "order": "input" and more than one worker
//   keeper   a stage that has to remember what it took (StageKind::keeps)
//
// A keeper's own "memory" is taken off first. Of the rest each channel and window gets 64 KiB (a
// batch) and each keeper 1 MiB; what is left is divided evenly among all of them, but a channel or
// a window takes no more than it could use without a limit (16 MiB, or what its edges say) and
// leaves the remainder to the keepers. A limit that does not reach for the least parts is an error
// of the job file.
//
// Beside it there is what does not grow with the input: the program itself, and in each worker what
// it has in hand (a batch, the chunk of `read`, the body of an `http` answer). A chunk is as long
// as the longest record, so unless the job file gives a "max_record" that is a 128th of the limit
// (jobs/record_limit.h).
//
// Not chosen: one counter that everybody draws from. A channel that fills first would take what a
//   keeper behind it needs to make progress, and the two would wait for each other.
#pragma once

#include <cstdint>
#include <optional>

#include "jobs/diagnostic.h"
#include "jobs/graph.h"

namespace gorun::jobs {

/// Bytes that a stage may keep of its items, in all its workers and shards together: its own
/// "memory", else its part of "limits.memory". Nothing: neither is given, and the kind decides.
[[nodiscard]] std::optional<std::int64_t> kept_bytes(const StageSpec& stage);

/// Divides Limits::memory of `graph`, if it has one: sets Limits::holder_bytes,
/// StageSpec::memory and "max_record". `errors` takes a limit that is too small.
void share_memory(Graph* graph, Diagnostics* errors);

}  // namespace gorun::jobs
