// jobs/failed_item.h - an item as it leaves by the port "errors" of the stage in which it failed.
#pragma once

#include <cstddef>

#include "jobs/batch.h"
#include "jobs/item.h"
#include "jobs/outcome.h"

namespace gorun::jobs {

struct Graph;

/// A batch of that item alone: its text, and the fields that say what has become of it.
[[nodiscard]] Batch failed_item(const Graph& graph, std::size_t stage, const Item& item,
                                const Failure& failure);

}  // namespace gorun::jobs
