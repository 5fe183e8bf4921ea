// jobs/mapreduce/reducer_lines.h - items as the lines that a reducer reads: key, tab, value.
//
// The key is what stands before the first tab, or, of several fields, before as many tabs as there
// are fields; the value is the rest of the line, and may hold further ones. An item whose key or
// value would make another line of it fails.
//
// Prior art: Hadoop streaming, stream.map.output.field.separator, stream.num.map.output.key.fields.
#pragma once

#include <memory>
#include <string_view>

#include "jobs/graph.h"
#include "jobs/item.h"
#include "jobs/stage.h"

namespace gorun::jobs {

/// Makes a line of each item, for the reduce `spec`, which outlives it.
[[nodiscard]] std::unique_ptr<Stage> make_reducer_lines(const StageSpec& spec);

/// The key of an item that it has made: a part of its text.
[[nodiscard]] inline std::string_view key_of_line(const Item& line) {
  return line.all_fields().front().value;
}

}  // namespace gorun::jobs
