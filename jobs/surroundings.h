// jobs/surroundings.h - where the workers of a chain are in the run: what they share, and what they
// meet at its borders.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "jobs/exec/command_gate.h"
#include "jobs/inbox.h"
#include "jobs/plan.h"
#include "jobs/reorder.h"
#include "jobs/run.h"
#include "jobs/stage.h"
#include "runtime/cancel.h"
#include "runtime/chan.h"
#include "runtime/semaphore.h"
#include "runtime/sync.h"

namespace gorun::jobs {

/// The channels of a gathering chain's shards. Owned by the chain.
class ShardInboxes {
 public:
  ShardInboxes(std::size_t shards, std::size_t capacity);
  [[nodiscard]] std::size_t size() const { return chans_.size(); }
  runtime::Chan<ParcelPtr>& operator[](std::size_t shard) { return chans_[shard]; }
  void close();  // again does nothing

 private:
  std::vector<runtime::Chan<ParcelPtr>> chans_;
  std::atomic<bool> closed_{false};
};

/// A port other than the default one, with the inboxes of its readers.
struct LivePort {
  std::string_view name;
  std::vector<Inbox*> readers;
};

/// What the chain before a stage makes of the input of the next; only ever grows.
class InputStateCell {
 public:
  [[nodiscard]] InputState get() const { return state_.load(std::memory_order_relaxed); }
  /// Relaxed: the close of the inbox that follows orders it for finish().
  void raise_to(InputState state);

 private:
  std::atomic<InputState> state_{InputState::kWhole};
};

/// Attempts that wait for their time, each in a goroutine of its own.
struct WaitingAttempts {
  /// More would let a stage on which everything fails eat all memory; then its workers wait, too.
  static constexpr std::int64_t kMost = 4096;
  runtime::Semaphore places{kMost};
  runtime::WaitGroup all;
  runtime::Cancel over;  // no attempt is to follow: a stop, draining, or enough
};

/// What ends the waits of those that want to begin something.
struct EndsOfBeginning {
  runtime::Cancel stopped;
  runtime::Cancel draining = stopped.child();  // or stopped
};

/// Where a worker is in the run: everything outlives it.
struct Surroundings {
  Run& run;
  const RunOptions& options;
  Plan& plan;
  const PlanChain& chain;
  Inbox* inbox = nullptr;                    // nullptr: the chain begins with a source
  std::vector<Inbox*> readers;               // of the chain's last node
  std::vector<std::vector<LivePort>> ports;  // of each of its nodes
  Reorder* order = nullptr;                  // nullptr: items leave as they are done
  InputStateCell* input = nullptr;
  WaitingAttempts* attempts = nullptr;
  ShardInboxes* shards = nullptr;      // nullptr: the chain does not gather
  runtime::Semaphore* pool = nullptr;  // nullptr: the chain is in none
  CommandGate* gate = nullptr;         // nullptr: none, or the chain runs no commands
  EndsOfBeginning* ends = nullptr;
  int procs = 1;

  [[nodiscard]] std::size_t head_stage() const { return plan.nodes[chain.nodes[0]].stage; }
  [[nodiscard]] std::size_t scope() const { return run.scope_of(head_stage()); }
  [[nodiscard]] std::size_t group() const { return run.group_of(head_stage()); }
  [[nodiscard]] bool is_stopped() const { return run.is_stopped(scope()); }
  /// True if nothing more is to be begun in the group, but for a reason that lets what is under way
  /// end. A stop of everything drains, too, and stops first: so that is what is looked at last.
  [[nodiscard]] bool only_drains() const { return run.is_draining(group()) && !is_stopped(); }
  /// True if the chain is one that ends when its group drains: a source, or one that would begin
  /// another operation.
  [[nodiscard]] bool ends_by_draining() const;
  [[nodiscard]] bool begins_operations() const {
    return plan.nodes[chain.nodes[0]].traits.begins_operations;
  }
  [[nodiscard]] bool is_drained() const { return ends_by_draining() && run.is_draining(group()); }
  /// True if what the chain has under way ends then, too: a source that is no operation. A command
  /// or a request comes to its end by itself.
  [[nodiscard]] bool is_cut_by_draining() const {
    return ends_by_draining() && !begins_operations();
  }
  [[nodiscard]] bool is_cut() const { return is_cut_by_draining() && run.is_draining(group()); }
  /// An attempt at an item failed, and the next one is not made after all. It was the last if that
  /// is for draining; of a stop, or when nobody wants more, no more is said. returns if it was.
  [[nodiscard]] bool give_up(const Failure& failure) const;
  /// What was taken, or came back, is not worked on: the input is cut short. Of an item that has
  /// been tried before: give_up(), and it leaves by the port "errors" if it has to; may park then.
  void leave_out(Batch&& batch) const;
};

}  // namespace gorun::jobs
