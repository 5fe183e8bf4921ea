// jobs/cycles.h - cycles of a directed graph.
//
// Tarjan's strongly connected components, with a stack of its own: a chain of 100,000 stages
// must not overflow the thread's. Then, in each component, the shortest way round from its
// first node, found breadth first. Linear in nodes and edges.
#pragma once

#include <cstddef>
#include <vector>

namespace gorun::jobs {

/// successors[i] are the nodes that node i points to.
using Successors = std::vector<std::vector<std::size_t>>;

/// One cycle for each strongly connected component that has one: its nodes in the order of the
/// arrows, beginning with the component's lowest, which is not repeated at the end. Ordered by
/// that lowest node. A node that points to itself is a cycle of one.
[[nodiscard]] std::vector<std::vector<std::size_t>> find_cycles(const Successors& successors);

}  // namespace gorun::jobs
