// runtime/cancel.h - a tree of cancellation: cancelling a node cancels all below it, never above.
//
// A node is a handle; copies name the same node. done() is a channel that is closed on
// cancellation, so that a parked operation watches it as one more select case.
#pragma once

#include <memory>

#include "runtime/chan.h"

namespace gorun::runtime {

/// A node of the tree. threads: all members, from any goroutine.
class Cancel {
 public:
  /// A root: only its own cancel() cancels it.
  Cancel();

  /// A node below this one; cancelled already if this one is.
  [[nodiscard]] Cancel child() const;

  /// Cancels this node and all below it. Doing so again does nothing.
  void cancel() const;

  [[nodiscard]] bool is_cancelled() const;

  /// Closed on cancellation; nothing is ever sent on it. Lives as long as the node.
  [[nodiscard]] Chan<Unit>& done() const;

 private:
  struct Node;
  explicit Cancel(std::shared_ptr<Node> node);
  std::shared_ptr<Node> node_;
};

}  // namespace gorun::runtime
