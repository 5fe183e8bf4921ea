// runtime/cancel.cc - see cancel.h.
//
// A node knows its children weakly: a subtree that nobody holds any more is free to go.

#include "runtime/cancel.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/sync.h"

namespace gorun::runtime {

struct Cancel::Node {
  Mutex mutex;
  bool cancelled = false;                     // guarded by mutex
  std::vector<std::weak_ptr<Node>> children;  // guarded by mutex
  Chan<Unit> done{0};
};

Cancel::Cancel() : node_(std::make_shared<Node>()) {}
Cancel::Cancel(std::shared_ptr<Node> node) : node_(std::move(node)) {}

Cancel Cancel::child() const {
  auto below = std::make_shared<Node>();
  bool cancelled = false;
  {
    const std::lock_guard lock(node_->mutex);
    cancelled = node_->cancelled;
    if (!cancelled) {
      auto& children = node_->children;
      // Drops dead entries when the vector would grow: amortised, it stays within twice the living.
      if (children.size() == children.capacity()) {
        children.erase(std::remove_if(children.begin(), children.end(),
                                      [](const auto& weak) { return weak.expired(); }),
                       children.end());
      }
      children.push_back(below);
    }
  }
  Cancel handle(std::move(below));
  if (cancelled) handle.cancel();
  return handle;
}

void Cancel::cancel() const {
  std::vector<std::weak_ptr<Node>> children;
  {
    const std::lock_guard lock(node_->mutex);
    if (std::exchange(node_->cancelled, true)) return;
    children = std::exchange(node_->children, {});
  }
  node_->done.close();
  for (auto& weak : children) {
    if (auto child = weak.lock()) Cancel(std::move(child)).cancel();
  }
}

bool Cancel::is_cancelled() const { return node_->done.is_closed(); }

Chan<Unit>& Cancel::done() const { return node_->done; }

}  // namespace gorun::runtime
