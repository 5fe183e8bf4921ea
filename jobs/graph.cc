#include "jobs/graph.h"

namespace gorun::jobs {

std::vector<bool> late_stages(const Graph& graph) {
  std::vector<std::vector<std::size_t>> followers(graph.stages.size());
  std::vector<bool> is_late(graph.stages.size());
  std::vector<std::size_t> found;
  for (const Edge& edge : graph.edges) followers[edge.from].push_back(edge.to);
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    for (const std::size_t need : graph.stages[i].needs) followers[need].push_back(i);
    if (graph.stages[i].when == When::kSuccess) continue;
    is_late[i] = true;
    found.push_back(i);
  }
  while (!found.empty()) {
    const std::size_t stage = found.back();
    found.pop_back();
    for (const std::size_t follower : followers[stage]) {
      if (is_late[follower]) continue;
      is_late[follower] = true;
      found.push_back(follower);
    }
  }
  return is_late;
}

std::vector<std::size_t> failure_scopes(const Graph& graph) {
  const std::vector<bool> is_late = late_stages(graph);
  std::vector<std::size_t> scopes(graph.stages.size(), 0);
  std::size_t last_scope = 0;
  std::vector<std::size_t> found;
  const auto enter = [&](std::size_t stage) {
    if (!is_late[stage] || scopes[stage] != 0) return;
    scopes[stage] = last_scope;
    found.push_back(stage);
  };
  for (std::size_t i = 0; i < graph.stages.size(); ++i) {
    if (!is_late[i] || scopes[i] != 0) continue;
    ++last_scope;
    enter(i);
    while (!found.empty()) {
      const StageSpec& stage = graph.stages[found.back()];
      found.pop_back();
      for (const std::size_t edge : stage.inputs) enter(graph.edges[edge].from);
      for (const std::size_t edge : stage.outputs) enter(graph.edges[edge].to);
    }
  }
  return scopes;
}

}  // namespace gorun::jobs
