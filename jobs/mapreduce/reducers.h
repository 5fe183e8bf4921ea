// jobs/mapreduce/reducers.h - lines sorted by their keys, each shard's fed to a command.
//
// One worker deals lines to shards by the hash of their keys; a shard sorts its own, on the disk if
// they are too many (jobs/sort/sorted_runs.h). When all have come, a command for each shard reads
// them, all at once. Lines of one key keep the order in which they came, and stand side by side in
// the input of one command. What the commands print goes on in the order of the shards, so it is
// the same at any number of Ps.
//
// As many commands run as there are shards, also for no lines. If the lines are not all that there
// would have been, because the run stopped what makes them, none does.
#pragma once

#include <memory>

#include "jobs/graph.h"
#include "jobs/stage.h"

namespace gorun::jobs {

/// For what make_reducer_lines() has made of the items of `spec`, which outlives it.
[[nodiscard]] std::unique_ptr<Stage> make_reducers(const StageSpec& spec);

}  // namespace gorun::jobs
