// jobs/exec/item_group.h - items for one command, gathered in front of the workers that run it.
//
// The stage that gathers has one worker and so keeps the order of its input: a command gets exactly
// so many neighbours, fewer only if they are too long for one or there are no more, whatever the
// number of workers behind. A group travels as one item whose text is the bytes of a table of
// Items; nobody but the exec stage behind sees it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "jobs/batch.h"
#include "jobs/stage.h"
#include "jobs/stage_options.h"

namespace gorun::jobs {

/// A group of `items`, whose bytes `batch` holds already; their table becomes part of it, and it
/// weighs what they do.
[[nodiscard]] Item group_of(std::span<const Item> items, Batch& batch);
/// Its items, in order.
[[nodiscard]] std::vector<Item> items_of(const Item& group);

using Weigh = std::function<std::size_t(const Item&)>;

/// What gathers, and the stage that it is the worker of.
/// items  of one command, at least 1.  bytes  the most that they may weigh, but for a single one.
[[nodiscard]] std::unique_ptr<Operator> make_item_gatherer(std::size_t items, std::size_t bytes,
                                                           Weigh weigh);
/// options  of the exec stage behind; they outlive it.
[[nodiscard]] std::unique_ptr<Stage> make_gathering_stage(std::size_t items,
                                                          const StageOptions& options);

}  // namespace gorun::jobs
