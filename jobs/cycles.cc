#include "jobs/cycles.h"

#include <algorithm>
#include <limits>

namespace gorun::jobs {
namespace {

constexpr std::size_t kNoNode = std::numeric_limits<std::size_t>::max();

// Numbers the components; equal numbers are one component.
class Components {
 public:
  explicit Components(const Successors& successors)
      : successors_(successors),
        order_(successors.size(), kNoNode),
        low_(successors.size(), 0),
        component_(successors.size(), kNoNode) {
    for (std::size_t node = 0; node < successors.size(); ++node) {
      if (order_[node] == kNoNode) visit_from(node);
    }
  }

  std::size_t of(std::size_t node) const { return component_[node]; }
  std::size_t count() const { return count_; }

 private:
  struct Frame {
    std::size_t node;
    std::size_t next_successor;
  };

  void visit_from(std::size_t root) {
    std::vector<Frame> frames;
    enter(root, &frames);
    while (!frames.empty()) {
      Frame& frame = frames.back();
      const std::size_t node = frame.node;
      if (frame.next_successor < successors_[node].size()) {
        const std::size_t successor = successors_[node][frame.next_successor++];
        if (order_[successor] == kNoNode) {
          enter(successor, &frames);
        } else if (component_[successor] == kNoNode) {
          low_[node] = std::min(low_[node], order_[successor]);
        }
        continue;
      }
      if (low_[node] == order_[node]) close_component(node);
      frames.pop_back();
      if (!frames.empty()) {
        const std::size_t parent = frames.back().node;
        low_[parent] = std::min(low_[parent], low_[node]);
      }
    }
  }

  void enter(std::size_t node, std::vector<Frame>* frames) {
    order_[node] = low_[node] = next_order_++;
    open_.push_back(node);
    frames->push_back({node, 0});
  }

  void close_component(std::size_t root) {
    std::size_t node = kNoNode;
    while (node != root) {
      node = open_.back();
      open_.pop_back();
      component_[node] = count_;
    }
    ++count_;
  }

  const Successors& successors_;
  std::vector<std::size_t> order_;      // of discovery
  std::vector<std::size_t> low_;        // lowest order reachable within the open nodes
  std::vector<std::size_t> component_;  // kNoNode while open
  std::vector<std::size_t> open_;
  std::size_t next_order_ = 0;
  std::size_t count_ = 0;
};

// The shortest way from `first` back to itself inside its component; empty if there is none.
std::vector<std::size_t> way_round(const Successors& successors, const Components& components,
                                   std::size_t first, std::vector<std::size_t>* came_from) {
  std::vector<std::size_t> queue = {first};
  for (std::size_t head = 0; head < queue.size(); ++head) {
    const std::size_t node = queue[head];
    for (const std::size_t successor : successors[node]) {
      if (successor == first) {
        std::vector<std::size_t> cycle;
        for (std::size_t at = node; at != first; at = (*came_from)[at]) cycle.push_back(at);
        cycle.push_back(first);
        std::ranges::reverse(cycle);
        return cycle;
      }
      if (components.of(successor) != components.of(first)) continue;
      if ((*came_from)[successor] != kNoNode) continue;
      (*came_from)[successor] = node;
      queue.push_back(successor);
    }
  }
  return {};
}

}  // namespace

std::vector<std::vector<std::size_t>> find_cycles(const Successors& successors) {
  const Components components(successors);
  std::vector<bool> is_done(components.count());
  // Shared by all searches: each stays inside its own component.
  std::vector<std::size_t> came_from(successors.size(), kNoNode);
  std::vector<std::vector<std::size_t>> cycles;
  for (std::size_t node = 0; node < successors.size(); ++node) {
    if (is_done[components.of(node)]) continue;
    is_done[components.of(node)] = true;
    auto cycle = way_round(successors, components, node, &came_from);
    if (!cycle.empty()) cycles.push_back(std::move(cycle));
  }
  return cycles;
}

}  // namespace gorun::jobs
