#include "jobs/failed_item.h"

#include <array>
#include <string>

#include "jobs/graph.h"

namespace gorun::jobs {

Batch failed_item(const Graph& graph, std::size_t stage, const Item& item, const Failure& failure) {
  Batch batch;
  batch.push_copy(item);
  // The text as a field, too: formats that write fields would lose which item it was.
  const std::array<Field, 4> fields = {
      {{"item", batch.items().back().text},
       {"error", batch.copy(graph.secrets.masked(failure.what))},
       {"attempts", batch.copy(std::to_string(failure.attempts)), FieldType::kNumber},
       {"stage", graph.stages[stage].name}}};
  batch.set_fields(&batch.items().back(), fields);
  return batch;
}

}  // namespace gorun::jobs
