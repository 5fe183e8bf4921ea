#include "jobs/plan.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace gorun::jobs {
namespace {

// An inbox of `buffer` items holds at least this many batches, so that a small buffer still lets
// producer and consumer work at the same time.
constexpr std::int64_t kMinBatches = 4;

// Between the nodes of one stage names, ranges and arguments wait, and no contents.
constexpr std::int64_t kInnerBytes = std::int64_t{1} << 20;

// A stage that wants no more items at a time than this has long work for each (children, files):
// what there is gets divided among its workers rather than filled into one batch.
constexpr std::size_t kSharedEvenly = 64;

// What make_plan() collects about a node on the way.
struct Wiring {
  std::vector<std::size_t> writers;  // nodes that it reads from
  std::int64_t buffer = 0;           // the largest of its incoming edges
  std::int64_t bytes = 0;            // likewise
  bool has_needs = false;
  int goroutines = 0;  // of the chain that it is part of; 0: not known yet
};

class Planner {
 public:
  Planner(const Graph& graph, int procs, const std::vector<WorkerCap>& caps, const StageMaker& make)
      : graph_(graph), procs_(procs), caps_(caps), make_(make) {}

  Plan make() {
    make_nodes();
    connect_nodes();
    make_chains();
    connect_chains();
    return std::move(plan_);
  }

 private:
  void make_nodes() {
    for (std::size_t s = 0; s < graph_.stages.size(); ++s) {
      const StageSpec& spec = graph_.stages[s];
      first_node_.push_back(plan_.nodes.size());
      for (std::unique_ptr<Stage>& work : make_(spec)) {
        PlanNode node;
        node.stage = s;
        node.traits = work->traits();
        if (node.traits.workers == 0) node.traits.workers = procs_;
        if (node.traits.shards == 0) node.traits.shards = procs_;
        if (!caps_.empty()) cap(caps_[s], &node.traits);
        if (spec.keeps_order && has_ports_of_its_own(spec)) node.traits.workers = 1;
        node.work = std::move(work);
        plan_.nodes.push_back(std::move(node));
      }
      plan_.nodes[first_node_.back()].is_first = true;
      plan_.nodes.back().is_last = true;
    }
    wiring_.resize(plan_.nodes.size());
  }

  // What leaves by ports does not go through the window that puts items back in order.
  static bool has_ports_of_its_own(const StageSpec& spec) {
    return !spec.kind->ports_option.empty();
  }

  static void cap(const WorkerCap& cap, StageTraits* traits) {
    if (cap.workers > 0) traits->workers = std::min(traits->workers, cap.workers);
    if (cap.batch_items > 0) traits->batch_items = std::min(traits->batch_items, cap.batch_items);
  }

  void connect(std::size_t from, std::size_t to, const Edge& edge) {
    plan_.nodes[from].readers.push_back(to);
    enter(from, to, edge);
  }

  // By a port of its own: whatever node of the stage has something to say there.
  void connect_port(const Edge& edge) {
    const std::size_t to = first_node_[edge.to];
    for (std::size_t n = first_node_[edge.from]; n <= last_node(edge.from); ++n) {
      std::vector<PlanPort>& ports = plan_.nodes[n].ports;
      auto port = std::ranges::find(ports, edge.port, &PlanPort::name);
      if (port == ports.end())
        port = ports.insert(port, PlanPort{.name = edge.port, .readers = {}});
      port->readers.push_back(to);
      enter(n, to, edge);
    }
  }

  void enter(std::size_t from, std::size_t to, const Edge& edge) {
    wiring_[to].writers.push_back(from);
    wiring_[to].buffer = std::max(wiring_[to].buffer, edge.buffer);
    wiring_[to].bytes = std::max(wiring_[to].bytes, edge.bytes);
  }

  std::size_t last_node(std::size_t stage) const {
    return stage + 1 < first_node_.size() ? first_node_[stage + 1] - 1 : plan_.nodes.size() - 1;
  }

  void connect_nodes() {
    for (std::size_t s = 0; s < graph_.stages.size(); ++s) {
      wiring_[first_node_[s]].has_needs = !graph_.stages[s].needs.empty();
      for (std::size_t n = first_node_[s]; n < last_node(s); ++n) {
        Edge inner;
        inner.bytes = kInnerBytes;
        if (plan_.nodes[n + 1].traits.inner_buffer > 0) {
          inner.buffer = plan_.nodes[n + 1].traits.inner_buffer;
        }
        connect(n, n + 1, inner);
      }
    }
    for (const Edge& edge : graph_.edges) {
      if (edge.port == kDefaultPort) {
        connect(last_node(edge.from), first_node_[edge.to], edge);
      } else {
        connect_port(edge);
      }
    }
  }

  // The goroutines that run a node: its own number, or that of the chain which it joins.
  [[nodiscard]] int goroutines_of(std::size_t node) {
    int& known = wiring_[node].goroutines;
    if (known == 0) {
      const std::vector<std::size_t>& writers = wiring_[node].writers;
      const bool joined = writers.size() == 1 && joins(writers.front(), node);
      known = joined ? goroutines_of(writers.front()) : plan_.nodes[node].traits.workers;
    }
    return known;
  }

  // True if items leave the node in order although several goroutines work on them.
  [[nodiscard]] bool keeps_order_at(std::size_t node) {
    if (goroutines_of(node) == 1) return false;
    for (;;) {
      if (graph_.stages[plan_.nodes[node].stage].keeps_order) return true;
      const std::vector<std::size_t>& writers = wiring_[node].writers;
      if (writers.size() != 1 || !joins(writers.front(), node)) return false;
      node = writers.front();
    }
  }

  [[nodiscard]] bool joins(std::size_t from, std::size_t to) {
    const StageTraits& a = plan_.nodes[from].traits;
    const StageTraits& b = plan_.nodes[to].traits;
    if (plan_.nodes[from].readers.size() != 1 || wiring_[to].writers.size() != 1) return false;
    if (plan_.nodes[from].readers.front() != to) return false;
    if (wiring_[to].has_needs || a.gathers() || !b.fuses) return false;
    const std::size_t stage = plan_.nodes[from].stage;
    const std::size_t next = plan_.nodes[to].stage;
    if (graph_.stages[next].failure.retry.max > 1) return false;
    if (stage != next && (graph_.stages[stage].pool || graph_.stages[next].pool)) return false;
    if (b.workers == 1 && has_ports_of_its_own(graph_.stages[next]) && keeps_order_at(from)) {
      return false;
    }
    // A node that scales may run in more goroutines than it asked for; what reads from it has to
    // bear that number, and not the one that was asked for.
    const int goroutines = goroutines_of(from);
    return goroutines == b.workers || (b.scales && goroutines >= b.workers);
  }

  void make_chains() {
    for (std::size_t n = 0; n < plan_.nodes.size(); ++n) {
      const std::vector<std::size_t>& writers = wiring_[n].writers;
      if (writers.size() == 1 && joins(writers.front(), n)) continue;  // not the head of a chain
      PlanChain chain;
      const StageSpec& spec = graph_.stages[plan_.nodes[n].stage];
      chain.workers = plan_.nodes[n].traits.workers;
      chain.when = spec.when;
      chain.pool = spec.pool;
      chain.weight = spec.weight;
      chain.retries = spec.failure.retry.max > 1;
      if (plan_.nodes[n].is_first) {
        chain.needs = spec.needs;
      } else {
        chain.when = When::kSuccess;
      }
      for (std::size_t at = n;;) {
        chain.nodes.push_back(at);
        keep_order(graph_.stages[plan_.nodes[at].stage], graph_.limits.holder_bytes, &chain);
        plan_.nodes[at].chain = plan_.chains.size();
        chain.ports.emplace_back();
        const std::vector<std::size_t>& readers = plan_.nodes[at].readers;
        if (readers.size() != 1 || !joins(at, readers.front())) break;
        at = readers.front();
      }
      // What gathers has no use for the order that its items came in.
      if (plan_.nodes[chain.nodes.back()].traits.gathers()) chain.keeps_order = false;
      plan_.chains.push_back(std::move(chain));
    }
  }

  // A chain of one goroutine keeps the order anyhow. In another one it is kept from end to end if
  // any of its stages asks for that.
  static void keep_order(const StageSpec& spec, std::int64_t holder_bytes, PlanChain* chain) {
    if (!spec.keeps_order || chain->workers == 1) return;
    const auto window = static_cast<std::size_t>(spec.window);
    chain->window = chain->keeps_order ? std::min(chain->window, window) : window;
    chain->window_bytes = static_cast<std::size_t>(std::min(kDefaultEdgeBytes, holder_bytes));
    chain->keeps_order = true;
  }

  // The most items that one batch in front of the chain holds.
  std::int64_t batch_items(const PlanChain& chain, std::int64_t buffer) const {
    auto most = static_cast<std::int64_t>(plan_.nodes[chain.nodes.front()].traits.batch_items);
    if (chain.keeps_order) {
      // A ticket of its own for each item that may come back, and in a small window something for
      // every worker.
      const auto window = static_cast<std::int64_t>(chain.window);
      most = chain.retries ? 1 : std::min(most, window / (2 * chain.workers));
    }
    return std::clamp<std::int64_t>(buffer / kMinBatches, 1, std::max<std::int64_t>(most, 1));
  }

  void connect_chains() {
    for (PlanChain& chain : plan_.chains) {
      for (const std::size_t reader : plan_.nodes[chain.nodes.back()].readers) {
        chain.readers.push_back(plan_.nodes[reader].chain);
        ++plan_.chains[chain.readers.back()].producers;
      }
      for (std::size_t i = 0; i < chain.nodes.size(); ++i) connect_ports(&chain, i);
      const PlanNode& last = plan_.nodes[chain.nodes.back()];
      chain.concludes_by_shard = last.traits.concludes_by_shard && !is_order_seen_behind(last);
      const std::size_t head = chain.nodes.front();
      const std::int64_t buffer = std::max<std::int64_t>(wiring_[head].buffer, 1);
      const std::int64_t items = batch_items(chain, buffer);
      chain.shares_evenly = plan_.nodes[head].traits.batch_items <= kSharedEvenly;
      // What may come back, or has a turn of its own, is an item.
      chain.takes_lines =
          plan_.nodes[head].traits.takes_lines && !chain.retries && !chain.keeps_order;
      chain.keeps_lines = chain.takes_lines && plan_.nodes[head].traits.keeps_lines;
      chain.batch_items = static_cast<std::size_t>(items);
      chain.bytes =
          static_cast<std::uint64_t>(std::min(wiring_[head].bytes, graph_.limits.holder_bytes));
      chain.capacity = static_cast<std::size_t>(std::max<std::int64_t>(1, buffer / items));
    }
  }

  // What scales keeps nothing from one item to the next: the order matters to it if it does to a
  // reader.
  [[nodiscard]] bool is_order_seen_by(const PlanNode& node) const {
    if (node.traits.ignores_order) return false;
    return !node.traits.scales || is_order_seen_behind(node);
  }
  [[nodiscard]] bool is_order_seen_behind(const PlanNode& node) const {
    const auto sees = [this](std::size_t reader) { return is_order_seen_by(plan_.nodes[reader]); };
    return std::ranges::any_of(node.readers, sees) ||
           std::ranges::any_of(node.ports, [&sees](const PlanPort& port) {
             return std::ranges::any_of(port.readers, sees);
           });
  }

  void connect_ports(PlanChain* chain, std::size_t link) {
    for (const PlanPort& port : plan_.nodes[chain->nodes[link]].ports) {
      PlanPort mine{.name = port.name, .readers = {}};
      for (const std::size_t reader : port.readers) {
        mine.readers.push_back(plan_.nodes[reader].chain);
        ++plan_.chains[mine.readers.back()].producers;
      }
      chain->ports[link].push_back(std::move(mine));
    }
  }

  const Graph& graph_;
  const int procs_;
  const std::vector<WorkerCap>& caps_;
  const StageMaker& make_;
  Plan plan_;
  std::vector<std::size_t> first_node_;  // by stage
  std::vector<Wiring> wiring_;           // by node
};

}  // namespace

Plan make_plan(const Graph& graph, int procs, const std::vector<WorkerCap>& caps,
               const StageMaker& make) {
  return Planner(graph, procs, caps, make).make();
}

}  // namespace gorun::jobs
