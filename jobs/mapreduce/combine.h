// jobs/mapreduce/combine.h - what a worker of "reduce" does with the items it gets.
//
// It combines them in a table of its own. When that is over its budget, and at the end, it goes to
// all shards at once (dealt_table.h). A table that would grow beyond its budget while keys are
// added is handed over before. One that combines little is handed over while it is in the caches,
// as long as the shards find most groups to be new (merge_tables.h).
#pragma once

#include <cstddef>
#include <memory>

#include "jobs/mapreduce/merge_tables.h"
#include "jobs/mapreduce/reduce_options.h"
#include "jobs/stage.h"

namespace gorun::jobs {

/// options, merged  outlive it.
/// budget           bytes of its table.
[[nodiscard]] std::unique_ptr<Operator> make_combine(const ReduceOptions& options,
                                                     std::size_t budget, const MergedGroups& merged,
                                                     Context& context);

}  // namespace gorun::jobs
