// tests/jobs/records/cut_all.h - all that a cutter of records makes of a text, table by table.
#pragma once

#include <cstddef>
#include <string_view>

#include "jobs/records/record_table.h"

namespace gorun::jobs {

/// cutter  has begun with `text`.
/// each    hears of each record: (const Rows&, index in them).
/// wrong   hears of each record that is none.
template <class Cutter, class Each, class Wrong>
void cut_all(Cutter& cutter, RecordTable& table, std::string_view text, Each each, Wrong wrong) {
  const Batch batch;
  const Item parent{.text = text};
  do {
    table.clear();
    cutter.fill(&table);
    const Rows rows = table.rows(batch, parent);
    for (std::size_t i = 0; i < table.size(); ++i) each(rows, i);
    if (const auto record = cutter.take_wrong()) wrong(*record);
  } while (!cutter.is_at_end());
}

}  // namespace gorun::jobs
