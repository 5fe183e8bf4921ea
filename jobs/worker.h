// jobs/worker.h - one goroutine of a chain: its operators in a row, from the inbox to the readers.
//
// The Out of an operator calls the next operator directly, one virtual call a batch. The Out of the
// last one sends into the inboxes of the chain's readers. Time is booked at these borders only:
// twice a batch, never for an item.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "jobs/exec/command_gate.h"
#include "jobs/inbox.h"
#include "jobs/out.h"
#include "jobs/plan.h"
#include "jobs/reorder.h"
#include "jobs/run.h"
#include "jobs/stage.h"
#include "runtime/cancel.h"
#include "runtime/chan.h"
#include "runtime/semaphore.h"
#include "runtime/sync.h"
#include "runtime/timer.h"

namespace gorun::jobs {

/// Books the time of one goroutine to the stage that it works for, or waits for.
class StageClock {
 public:
  using Account = std::atomic<std::int64_t>;

  /// Ends the time of the account at hand and begins that of `account` (nullptr: nobody's time);
  /// returns the former.
  Account* switch_to(Account* account);

 private:
  Account* account_ = nullptr;
  runtime::Nanos since_{0};
};

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
  Jobserver* jobserver = nullptr;      // nullptr: the run has none
  EndsOfBeginning* ends = nullptr;
  int procs = 1;

  [[nodiscard]] std::size_t head_stage() const { return plan.nodes[chain.nodes[0]].stage; }
  [[nodiscard]] std::size_t scope() const { return run.scope_of(head_stage()); }
  [[nodiscard]] std::size_t group() const { return run.group_of(head_stage()); }
  [[nodiscard]] bool is_stopped() const { return run.is_stopped(scope()); }
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
  /// An attempt failed, and the next one is not made after all. It was the last if that is for
  /// draining; of a stop, or when nobody wants more, no more is said.
  void last_attempt_failed(std::size_t stage, Failure failure) const;
};

/// The places of one worker in its pool, and its permit to run a command. It holds them while it
/// works, and not while it waits for items or for room in front of its readers: they may be in the
/// same pool, or want the last token of a jobserver. Places are taken first: who waits for a permit
/// may hold places, and who waits for places never holds a permit.
class PoolPlaces {
 public:
  explicit PoolPlaces(const Surroundings& where) : where_(where) {}
  ~PoolPlaces() { give_back(); }
  PoolPlaces(const PoolPlaces&) = delete;
  PoolPlaces& operator=(const PoolPlaces&) = delete;

  [[nodiscard]] bool is_held() const { return has_places_ || permit_; }
  /// Parks until there are places. Does nothing if they are held, or there is no pool.
  void take();
  /// The same, and passes the gate if there is one. false: nothing more is to begin.
  [[nodiscard]] bool take_for_command();
  void give_back();  // does not park

  /// Gives back what is held, and takes it again when it goes.
  class Lent {
   public:
    explicit Lent(PoolPlaces& places);
    ~Lent();
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;

   private:
    PoolPlaces& places_;
    const bool had_places_;
    const bool had_permit_;
  };

  /// Gives them back when it goes.
  class ReturnedAtEnd {
   public:
    explicit ReturnedAtEnd(PoolPlaces& places) : places_(places) {}
    ~ReturnedAtEnd() { places_.give_back(); }
    ReturnedAtEnd(const ReturnedAtEnd&) = delete;
    ReturnedAtEnd& operator=(const ReturnedAtEnd&) = delete;

   private:
    PoolPlaces& places_;
  };

 private:
  [[nodiscard]] bool pass_gate(const runtime::Cancel& cancel);

  const Surroundings& where_;
  bool has_places_ = false;
  std::optional<CommandGate::Permit> permit_;
};

class Worker {
 public:
  /// Makes the operators. `where` outlives the worker.
  explicit Worker(const Surroundings& where);
  ~Worker();

  /// Works until the input has ended, the readers have had enough or the run is stopped.
  void work();

  /// Puts out the result of a gathering chain: on one of its workers, when all have done their
  /// work() and the mergers have finished.
  void conclude();

 private:
  struct Link;
  class LinkContext;
  class NextOut;
  class ReadersOut;
  class OrderedOut;
  class Attempt;

  void make_link(std::size_t node);
  void connect_links();
  void run_links();
  void run_producer(Link& link);
  void consume_in_order();
  void begin_attempt(Batch* batch);
  void consume();
  void flush();
  static void flush_ports(Link& link);
  [[nodiscard]] bool may_begin();
  void take_places();
  [[nodiscard]] bool reader_is_idle() const;

  const Surroundings& where_;
  StageClock clock_;
  PoolPlaces places_;
  std::vector<std::unique_ptr<Link>> links_;
  Reorder::Ticket ticket_ = 0;   // of the batch at hand, where order is kept
  bool is_ticket_open_ = false;  // it stays so: an item of it waits for another attempt
};

}  // namespace gorun::jobs
