// jobs/plan.h - how a graph is laid out on goroutines and channels.
//
// A stage of the job file becomes one or more nodes, in flow order (`read` is "cut files into
// ranges", then "read ranges"). Neighbouring nodes share goroutines where that saves a channel and
// loses no parallel work: such a row of nodes is a chain. A chain has a number of workers, each a
// goroutine with its own operator for every node, and one inbox, unless it begins with a source.
//
//   walk -> read -> split -> reduce -> top -> write        at 4 Ps
//   [roots x1] [walk x4] [ranges x1] [read split reduce x4 => 4 shards] [top x1 => 1 shard] [write
//   x1]
//
// Node B joins the chain of A when
//   F1  B reads only A, by its default port, and is the only one who reads there,
//   F2  B waits for no other stage ("needs"), and A does not gather,
//   F3  B is cheap work that does not block (StageTraits::fuses), and
//   F4  B has as many workers as A; or it does the same in any number, and A has no fewer. (A
//   parallel
//       A has no order that B could lose; behind a single A, a parallel B has more to gain from
//       cores of its own.)
//   F5  Neither is in a pool, or both belong to one stage: a place is taken for a stage's work.
//   F6  B makes no second attempt at an item: one comes back to the head of its chain.
//   F7  B has no ports of its own, or A no order that several goroutines keep: only what leaves by
//       the default port is put back in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobs/executor.h"
#include "jobs/graph.h"
#include "jobs/open_files.h"
#include "jobs/stage.h"

namespace gorun::jobs {

/// A port other than the default one, and what reads there.
struct PlanPort {
  std::string name;
  std::vector<std::size_t> readers;  // of a node: nodes; of a chain: chains
};

struct PlanNode {
  std::size_t stage = 0;  // index into Graph::stages
  std::unique_ptr<Stage> work;
  StageTraits traits;                // with workers and shards resolved: never 0
  bool is_first = false;             // of its stage's nodes: what comes in is the stage's input
  bool is_last = false;              // what goes out is the stage's output
  std::size_t chain = 0;             // index into Plan::chains
  std::vector<std::size_t> readers;  // nodes that take the items of its default port
  std::vector<PlanPort> ports;       // the others; all nodes of a stage have the same
};

struct PlanChain {
  std::vector<std::size_t> nodes;            // in flow order, at least one
  std::vector<std::size_t> readers;          // chains that the last node's items go to
  std::vector<std::vector<PlanPort>> ports;  // of each of its nodes
  std::vector<std::size_t> needs;            // stages that must have completed before it starts
  When when = When::kSuccess;                // how they must have ended
  std::optional<std::size_t> pool;           // index into Graph::pools, of all its stages
  std::int64_t weight = 1;                   // what a worker takes there
  int workers = 1;
  std::size_t producers = 0;        // chains that feed it; 0: it begins with a source
  std::size_t batch_items = 0;      // the most items of one batch in its inbox
  std::size_t capacity = 0;         // batches that its inbox holds
  std::uint64_t bytes = 0;          // and bytes of their texts and fields
  bool shares_evenly = false;       // a large batch is divided among its workers
  bool takes_lines = false;         // its inbox takes them uncut
  bool keeps_lines = false;         // and who reads there keeps them
  bool retries = false;             // items may come back to its inbox
  bool keeps_order = false;         // its items leave in the order in which they came
  bool concludes_by_shard = false;  // it gathers, and nobody cares for the order of its result
  std::size_t window = 0;           // items under way then
  std::size_t window_bytes = 0;  // and bytes of what they have made, of those whose turn is later
};

struct Plan {
  std::vector<PlanNode> nodes;
  std::vector<PlanChain> chains;
};

/// Lays out `graph` for `procs` Ps. Pure, but for the construction of the stages by `make`.
/// caps  by stage: goroutines and items in hand that it may have at most; empty: any number.
[[nodiscard]] Plan make_plan(const Graph& graph, int procs, const std::vector<WorkerCap>& caps,
                             const StageMaker& make);

}  // namespace gorun::jobs
