// runtime/cancel.cc - see cancel.h.
//
// A node holds its parent by a counted reference, and the parent lists its children without owning
// them. A child takes itself off that list, under the parent's mutex, when its last reference goes;
// whoever walks the list must therefore try to get a reference, and passes over the dying.

#include "runtime/cancel.h"

#include <atomic>
#include <mutex>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/sched/goroutine.h"
#include "runtime/sched/park.h"
#include "runtime/sched/sched.h"
#include "runtime/select.h"
#include "runtime/spawn.h"
#include "runtime/sync.h"

namespace gorun::runtime {

struct Cancel::Node {
  static constexpr std::int64_t kNoDeadline = TimerHeap::kNever;

  std::atomic<int> references{1};
  std::atomic<CancelCause> cause{CancelCause::kNone};  // written under mutex, once; release
  Node* const parent;                                  // one reference; null in a root
  std::int64_t deadline = kNoDeadline;                 // the earliest, here and above; fixed
  TimerEvent timer;  // pending if the deadline is its own. Started once, before others see the node

  Mutex mutex;
  Node* first_child = nullptr;  // guarded by mutex
  Node* next = nullptr;         // in the parent's list; guarded by the parent's mutex
  Node* prev = nullptr;
  bool listed = false;
  Afterwards burial;  // if the last reference goes in a blocking section
  Chan<Unit> done{0};

  explicit Node(Node* above) : parent(above) {
    if (parent == nullptr) return;
    parent->retain();
    deadline = parent->deadline;
  }

  void retain() { references.fetch_add(1, std::memory_order_relaxed); }
  bool try_retain() {
    int count = references.load(std::memory_order_relaxed);
    while (count > 0) {
      if (references.compare_exchange_weak(count, count + 1, std::memory_order_relaxed))
        return true;
    }
    return false;
  }
  static void release(Node* node);
  static Node* bury(Node* node);

  CancelCause adopt(Node* child);
  void forget(Node* child);
  bool mark(CancelCause why, std::vector<Node*>& below);
  void cancel(CancelCause why);
  void start_timer(std::int64_t at);
  void stop_timer();
  static void fire(void* self);
};

// In a loop: a long chain whose lowest node goes must not need a deep stack.
void Cancel::Node::release(Node* node) {
  while (node != nullptr) {
    // acq_rel: the last one sees what all others did.
    if (node->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    node->burial.arg = node;
    node->burial.run = [](void* dead) { release(bury(static_cast<Node*>(dead))); };
    // There it may have no P, and could not wait for the mutex of the node above.
    if (put_off_if_blocking(node->burial)) return;
    node = bury(node);
  }
}

// returns the node above, whose reference the caller has now.
Cancel::Node* Cancel::Node::bury(Node* node) {
  Node* above = node->parent;
  node->stop_timer();
  if (above != nullptr) above->forget(node);
  delete node;
  return above;
}

// Lists `child`, or says why this node was cancelled before.
CancelCause Cancel::Node::adopt(Node* child) {
  const std::lock_guard lock(mutex);
  const CancelCause why = cause.load(std::memory_order_relaxed);
  if (why != CancelCause::kNone) return why;
  child->next = first_child;
  if (first_child != nullptr) first_child->prev = child;
  first_child = child;
  child->listed = true;
  return why;
}

void Cancel::Node::forget(Node* child) {
  const std::lock_guard lock(mutex);
  if (!child->listed) return;
  (child->prev == nullptr ? first_child : child->prev->next) = child->next;
  if (child->next != nullptr) child->next->prev = child->prev;
}

// Cancels this node alone; adds a reference to each living child to `below`.
bool Cancel::Node::mark(CancelCause why, std::vector<Node*>& below) {
  const std::lock_guard lock(mutex);
  if (cause.load(std::memory_order_relaxed) != CancelCause::kNone) return false;
  cause.store(why, std::memory_order_release);
  for (Node* child = std::exchange(first_child, nullptr); child != nullptr;) {
    Node* next_child = std::exchange(child->next, nullptr);
    child->prev = nullptr;
    child->listed = false;
    if (child->try_retain()) below.push_back(child);
    child = next_child;
  }
  return true;
}

void Cancel::Node::cancel(CancelCause why) {
  retain();
  std::vector<Node*> left{this};
  while (!left.empty()) {
    Node* node = left.back();
    left.pop_back();
    if (node->mark(why, left)) {
      node->stop_timer();
      node->done.close();
    }
    release(node);
  }
}

void Cancel::Node::start_timer(std::int64_t at) {
  timer.when = at;
  timer.fire = fire;
  timer.arg = this;
  const RtSection rt;
  runtime::start_timer(&timer);
}

void Cancel::Node::stop_timer() {
  if (timer.fire == nullptr) return;
  if (!in_goroutine()) {
    // Once a run has ended its timers are out of their heaps, or nobody is left to disagree.
    TimerHeap::stop(&timer);
    return;
  }
  const RtSection rt;
  TimerHeap::stop(&timer);
}

// The deadline: cancelling takes a mutex, which only a goroutine can wait for.
void Cancel::Node::fire(void* self) {
  auto* node = static_cast<Node*>(self);
  if (!node->try_retain()) return;  // on its way out: stop_timer() waits for us
  P* pp = current_m()->p;
  G* gp = new_g(pp, SpawnSite::current());
  detail::set_closure(gp, [node] {
    node->cancel(CancelCause::kDeadlineExceeded);
    release(node);
  });
  submit_new_g(pp, gp);
}

Cancel::Cancel() : node_(new Node(nullptr)) {}
Cancel::Cancel(const Cancel& other) : node_(other.node_) { node_->retain(); }
Cancel::~Cancel() { Node::release(node_); }

Cancel Cancel::child() const {
  Cancel below(new Node(node_));
  const CancelCause why = node_->adopt(below.node_);
  if (why != CancelCause::kNone) below.node_->cancel(why);
  return below;
}

Cancel Cancel::with_timeout(Nanos timeout) const {
  return with_deadline(Nanos(TimerHeap::when_after(clock_ns(), timeout.count())));
}

Cancel Cancel::with_deadline(Nanos deadline) const {
  require_goroutine("cancel: with_deadline");
  if (deadline.count() >= node_->deadline) return child();  // that of an ancestor comes first
  Cancel below(new Node(node_));
  below.node_->deadline = deadline.count();
  const bool passed = deadline.count() <= clock_ns();
  // Before anybody else, the parent included, knows the node.
  if (!passed) below.node_->start_timer(deadline.count());
  const CancelCause why = node_->adopt(below.node_);
  if (why != CancelCause::kNone) {
    below.node_->cancel(why);
  } else if (passed) {
    below.node_->cancel(CancelCause::kDeadlineExceeded);
  }
  return below;
}

void Cancel::cancel() const { node_->cancel(CancelCause::kCancelled); }

CancelCause Cancel::cause() const { return node_->cause.load(std::memory_order_acquire); }

std::optional<Nanos> Cancel::deadline() const {
  if (node_->deadline == Node::kNoDeadline) return std::nullopt;
  return Nanos(node_->deadline);
}

Chan<Unit>& Cancel::done() const { return node_->done; }

SleepEnd sleep_or_cancelled(Nanos duration, const Cancel& cancel) {
  const Selected first =
      select(SelectOrder::kPrioritized, recv_case(cancel.done()), timeout_case(duration));
  return first.index == 0 ? SleepEnd::kCancelled : SleepEnd::kElapsed;
}

}  // namespace gorun::runtime
