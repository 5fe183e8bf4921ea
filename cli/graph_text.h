// cli/graph_text.h - the graph of a job for Graphviz and for Mermaid.
//
// A box for each stage, with its name and kind; an arrow for each data edge, in the direction in
// which items flow, with the port and the buffer where they are not the usual ones; a dashed arrow
// for each "needs", from the stage that comes first.
#pragma once

#include <string>

#include "jobs/graph.h"

namespace gorun::cli {

[[nodiscard]] std::string dot_text(const jobs::Graph& graph);
[[nodiscard]] std::string mermaid_text(const jobs::Graph& graph);

}  // namespace gorun::cli
