// jobs/stages/rows.h - what each file of this folder has to offer: its kind, as a row of stages.
//
// `spec` has options that the table of kinds has checked, and outlives what is made of it.
#pragma once

#include "jobs/stage_kinds.h"

namespace gorun::jobs {

[[nodiscard]] StageRow make_walk(const StageSpec& spec);
[[nodiscard]] StageRow make_glob(const StageSpec& spec);
[[nodiscard]] StageRow make_lines(const StageSpec& spec);
[[nodiscard]] StageRow make_items(const StageSpec& spec);
[[nodiscard]] StageRow make_read(const StageSpec& spec);
[[nodiscard]] StageRow make_split(const StageSpec& spec);
[[nodiscard]] StageRow make_filter(const StageSpec& spec);
[[nodiscard]] StageRow make_map(const StageSpec& spec);
[[nodiscard]] StageRow make_exec(const StageSpec& spec);
[[nodiscard]] StageRow make_http(const StageSpec& spec);
[[nodiscard]] StageRow make_hash(const StageSpec& spec);
[[nodiscard]] StageRow make_reduce(const StageSpec& spec);
[[nodiscard]] StageRow make_top(const StageSpec& spec);
[[nodiscard]] StageRow make_take(const StageSpec& spec);
[[nodiscard]] StageRow make_range(const StageSpec& spec);
[[nodiscard]] StageRow make_sort(const StageSpec& spec);
[[nodiscard]] StageRow make_dedupe(const StageSpec& spec);
[[nodiscard]] StageRow make_batch(const StageSpec& spec);
[[nodiscard]] StageRow make_merge(const StageSpec& spec);
[[nodiscard]] StageRow make_route(const StageSpec& spec);
[[nodiscard]] StageRow make_manifest(const StageSpec& spec);
[[nodiscard]] StageRow make_verify(const StageSpec& spec);
[[nodiscard]] StageRow make_write(const StageSpec& spec);

/// A row of the given stages.
template <class... Stages>
[[nodiscard]] StageRow row_of(std::unique_ptr<Stages>... stages) {
  StageRow row;
  (row.push_back(std::move(stages)), ...);
  return row;
}

}  // namespace gorun::jobs
