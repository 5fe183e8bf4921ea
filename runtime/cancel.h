// runtime/cancel.h - a tree of cancellation: cancelling a node cancels all below it, never above.
//
//   Cancel request = server.with_timeout(5s);
//   if (select(recv_case(answers, got), recv_case(request.done())).index == 1) {
//     return request.cause();  // cancelled from above, or too late
//   }
//
// A node is a handle; copies name the same node. done() is a channel that is closed on
// cancellation, so that a parked operation watches it as one more select case.
//
// A node keeps all above it alive, so that what happens there reaches it; nothing keeps a node
// alive but its handles and the nodes below it, so a subtree that nobody holds any more is free to
// go, with its deadline. Pending deadlines do not keep a run alive.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "runtime/chan.h"
#include "runtime/timer.h"

namespace gorun::runtime {

enum class CancelCause : std::uint8_t {
  kNone,              // not cancelled
  kCancelled,         // by cancel(), here or above
  kDeadlineExceeded,  // by a deadline, here or above
};

/// A node of the tree.
///
/// threads  copies anywhere; destructions in any goroutine, in a blocking section too (what it was
///          the last handle on then goes when the section is left), and anywhere while no Runtime
///          runs; the other members in any goroutine.
/// order    what precedes cancel() happens-before the receive from done() that it ends, and before
///          an is_cancelled() that returns true because of it.
/// source   Go, context.
class Cancel {
 public:
  /// A root: only its own cancel() cancels it.
  Cancel();
  Cancel(const Cancel& other);
  Cancel& operator=(const Cancel& other) {
    Cancel copy(other);
    std::swap(node_, copy.node_);
    return *this;
  }
  ~Cancel();

  /// A node below this one; cancelled already if this one is.
  [[nodiscard]] Cancel child() const;

  /// A node below this one that cancels itself after `timeout`, or at `deadline` (on the clock of
  /// now()); at once if that has passed.
  [[nodiscard]] Cancel with_timeout(Nanos timeout) const;
  [[nodiscard]] Cancel with_deadline(Nanos deadline) const;

  /// Cancels this node and all below it. Doing so again does nothing.
  void cancel() const;

  [[nodiscard]] bool is_cancelled() const { return cause() != CancelCause::kNone; }

  /// Why it was cancelled first.
  [[nodiscard]] CancelCause cause() const;

  /// The earliest deadline of this node and those above it.
  [[nodiscard]] std::optional<Nanos> deadline() const;

  /// Closed on cancellation; nothing is ever sent on it. Lives as long as the node.
  [[nodiscard]] Chan<Unit>& done() const;

 private:
  struct Node;
  explicit Cancel(Node* node) : node_(node) {}

  Node* node_;
};

/// How sleep_or_cancelled() ended.
enum class SleepEnd : std::uint8_t { kElapsed, kCancelled };

/// Parks the calling G for `duration`, or until `cancel` is cancelled, whichever is first.
[[nodiscard]] SleepEnd sleep_or_cancelled(Nanos duration, const Cancel& cancel);

}  // namespace gorun::runtime
