// jobs/stage.h - what a kind of stage is made of; the executor brings it to life.
//
// A Stage is the part that its workers share: options, and results to be. It makes one worker
// object for each goroutine that the plan gives it. A worker never touches threads, channels or
// other workers: it is handed batches, puts items into an Out, and may block (inside
// runtime::blocking). The executor counts, closes, cancels and reports.
//
//   Producer    makes items out of nothing:  run(out)
//   Operator    takes batches:               process(batch, out) ... finish(out)
//   Merger      puts together what the workers of a gathering stage hand over (reduce, top)
//
// A gathering stage goes through three phases. Its operators work side by side, each on part of the
// input, and hand Parcels (partial results) over to numbered shards; each shard's merger takes its
// parcels in a goroutine of its own, without a lock; when all mergers have finished, conclude()
// puts out the result, once. Where no reader cares for its order, each shard's part may be put out
// by itself, all of them side by side.
//
// Errors are values: a worker calls Context::fail() and returns Flow::kStop. An exception that
// leaves a worker fails its stage, too, as an internal error.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/batch.h"
#include "jobs/out.h"
#include "jobs/outcome.h"
#include "jobs/system_error.h"
#include "runtime/cancel.h"

namespace gorun::jobs {

/// How complete the input of a stage is.
enum class InputState : std::uint8_t {
  kWhole,
  kItemsLost,  // items failed on their way here and were left out
  kCutShort,   // the run stopped something before this stage: what is made must not pass for whole
};

struct Graph;
struct RunOptions;

/// What a worker may ask of the run. One for each worker, used from its goroutine only, but for
/// what is const, fail(), leave_undone(), warn() and count_bytes(): these from any that works for
/// it.
class Context {
 public:
  virtual ~Context() = default;

  /// The number of Ps.
  [[nodiscard]] virtual int procs() const = 0;
  /// Goroutines that do the work of this stage, this one included.
  [[nodiscard]] virtual int workers() const = 0;

  /// The job, and what the user wants of this run of it.
  [[nodiscard]] virtual const Graph& graph() const = 0;
  [[nodiscard]] virtual const RunOptions& run_options() const = 0;

  /// "failure" once a stage has failed, else "success".
  [[nodiscard]] virtual std::string_view run_status() const = 0;

  /// True when the run has been stopped; a long computation looks now and then.
  [[nodiscard]] virtual bool is_cancelled() const = 0;

  /// True when no further operation is to begin: the run is stopped, or draining.
  [[nodiscard]] virtual bool is_draining() const = 0;

  /// Cancelled then, or a moment later: ends the wait of what wants to begin one.
  [[nodiscard]] virtual const runtime::Cancel& end_of_beginning() const = 0;

  /// Of a stage with StageTraits::begins_operations: is_draining() became true while the item at
  /// hand waited, and its operation has not begun. It counts as one that never came, and the input
  /// as cut short. Always returns kStop.
  virtual Flow not_begun() = 0;

  /// Readable for ever once the run has been stopped: what blocks in poll(2) watches it as well.
  [[nodiscard]] virtual int cancel_fd() const = 0;

  /// Says that the stage cannot go on. Always returns kStop. Of an item that failed, fail_item().
  virtual Flow fail(Failure failure) = 0;

  /// Says that not all of the work is done although nothing has failed, and will not be: whoever
  /// would have been shown what comes of it has gone. Then the stage is cancelled, and so is what
  /// needs it.
  virtual void leave_undone() = 0;

  /// Says that the work on `item` failed, once for each attempt at it; `failure.item` may be left
  /// empty. The run decides what follows: another attempt (this stage is handed the item once
  /// more, after a pause, by whichever worker is free), the port "errors", a count, the end.
  ///
  /// item    of the batch that process() was called with, as it came in, and before process()
  ///         returns, or of one that take() has filled; of a producer, Item{}: what the stage does
  ///         as a whole has failed. In finish() any: it then gets no further attempt.
  /// returns kMore: the item is taken care of; leave it out of what goes on, and go on with the
  ///         next one. kStop: return.
  virtual Flow fail_item(const Item& item, Failure failure) = 0;

  /// Which attempt at the item at hand this is, from 1.
  [[nodiscard]] virtual int attempt() const = 0;

  /// True if another attempt may follow this one: what a stage sends before it knows that the
  /// attempt succeeded would then be sent twice. HeldOut (jobs/held_out.h) keeps it until then.
  [[nodiscard]] virtual bool may_retry() const = 0;

  /// Says why a command for these items (none: the stage takes none) is about to run; an empty
  /// `why`: it is up to date, and they are done.
  virtual void judged(std::span<const Item> items, std::string_view why) = 0;

  /// Says something that is no failure, and that people should know; one line.
  virtual void warn(std::string what) = 0;

  /// How long one attempt may take; nothing: as long as it likes. Kinds that wait for something
  /// (commands, servers) end the attempt then and report FailureCause::kTimeout.
  [[nodiscard]] virtual std::optional<std::chrono::nanoseconds> timeout() const = 0;

  /// Where items leave by a port other than "out"; nullptr: nobody reads there. For the worker's
  /// goroutine, as the Out that it is called with.
  [[nodiscard]] virtual Out* port(std::string_view name) = 0;

  /// What the stage gets is not all that there would have been: a stage before it was stopped, or
  /// left out items that failed. Certain in finish() and conclude().
  [[nodiscard]] virtual InputState input_state() const = 0;

  /// Counts bytes read from or written to the outside.
  virtual void count_bytes(std::uint64_t bytes) = 0;

  /// Of a stage with StageTraits::feeds_itself: true if its other workers find nothing in front of
  /// the stage; a hint. Then part of what this worker has yet to do is well put back with offer(),
  /// for whichever of them comes first. returns false, `batch` as it was, if there is no room.
  [[nodiscard]] virtual bool siblings_are_idle() const = 0;
  [[nodiscard]] virtual bool offer(Batch& batch) = 0;

  /// Of a stage with StageTraits::takes_by_itself, while process() lasts: the next batch for this
  /// worker, parking until there is one. false: there are no more, or none that is to be begun.
  /// threads  any goroutine, one at a time.
  [[nodiscard]] virtual bool take(Batch* batch) = 0;
  /// Of such a stage: process() will say kStop, and whoever waits in take() need not wait for more.
  virtual void want_no_more() = 0;

  /// Of a gathering stage: how many shards it has.
  [[nodiscard]] virtual std::size_t shard_count() const = 0;

  /// Hands a partial result to a shard. Only for gathering stages; may park.
  virtual Flow hand_over(std::size_t shard, ParcelPtr parcel) = 0;
};

/// The failure of an item, or of a stage, on which a system call failed.
[[nodiscard]] Failure failure_of(const SystemError& error);

class Producer {
 public:
  virtual ~Producer() = default;

  /// Emits until there is no more, or until told to stop. Flushes before it waits for long.
  virtual void run(Out& out) = 0;
};

class Operator {
 public:
  virtual ~Operator() = default;

  /// Works on a batch that holds an item, or a parcel that this stage offered. The batch may be
  /// moved from, or changed and sent on.
  virtual Flow process(Batch&& batch, Out& out) = 0;

  /// True if process_records() works, too, and does as process() would with the items that the
  /// records stand for.
  [[nodiscard]] virtual bool takes_records() const { return false; }
  virtual Flow process_records(const Records& records, Out& out);

  /// The same for records that have fields of their own.
  [[nodiscard]] virtual bool takes_rows() const { return false; }
  virtual Flow process_rows(const Rows& rows, Out& out);

  /// True if process_lines() works, too, and does as process() would with the lines of the text, an
  /// item of `batch`, with the item's fields. `lines` becomes how many they are, if it
  /// was 0: else it is that already.
  [[nodiscard]] virtual bool takes_lines() const { return false; }
  virtual Flow process_lines(const Batch& batch, const Item& text, Out& out, std::uint64_t* lines);
  /// True if it keeps what it takes by process_lines(); Out::keeps_lines() says what for.
  [[nodiscard]] virtual bool keeps_lines() const { return false; }

  /// True if process_number() works, too, and does as process() would with as many records cut from
  /// `parent`, an item of `batch`, whatever their texts.
  [[nodiscard]] virtual bool takes_number() const { return false; }
  virtual Flow process_number(const Batch& batch, const Item& parent, std::uint64_t records,
                              Out& out);

  /// True if process(), process_lines() or process_records(), whichever the form is for, does with
  /// such an `out` what Out::only_counts() says.
  [[nodiscard]] virtual bool only_counts(TextForm /*form*/, const Out& /*out*/) const {
    return false;
  }

  /// Comes after the last batch, also if there was none and if the reader has stopped. Not called
  /// when the run was stopped: then whatever is unfinished is to be dropped by the destructor.
  virtual void finish(Out& out);
};

/// Which shard, of how many, and how the result is put out.
struct ShardPlace {
  std::size_t shard = 0;
  std::size_t shards = 1;
  bool is_alone = false;  // by conclude_shard(), in any order; else by conclude()
};

class Merger {
 public:
  virtual ~Merger() = default;

  virtual void take(ParcelPtr parcel) = 0;
  /// Comes after the last parcel; leaves the result in the stage. Not called when stopped.
  virtual void finish() {}
};

/// What the plan must know to place a stage.
struct StageTraits {
  /// Goroutines; 0: one for each P.
  int workers = 1;
  /// The most items that one batch in front of this stage holds. Work that takes long for each item
  /// wants few, so that its workers share them evenly.
  std::size_t batch_items = kBatchItems;
  /// Of a stage that reads from another one of the same row: items that may wait between the two;
  /// 0: as many as between stages of a job.
  std::int64_t inner_buffer = 0;
  /// May run in the goroutines of the stage that it reads from: cheap work that does not block.
  bool fuses = false;
  /// Does the same in any number of workers, whatever `workers` says: it keeps nothing from one
  /// item to the next, or merges in shards.
  bool scales = false;
  /// Its workers put work back for each other (Context::offer); the input ends only when every
  /// batch has been worked off.
  bool feeds_itself = false;
  /// Each item (or the stage, if it takes none) is an operation of its own outside this process: a
  /// command, a request. It heeds Context::timeout(), and "fail": "drain" begins none anew and lets
  /// the one under way come to its end.
  bool begins_operations = false;
  /// It flushes its Out before it waits for long, and soon after it has made something; its workers
  /// then do not, as they otherwise do after each batch when a reader is idle.
  bool flushes = false;
  /// The operations are commands: they start when the gate lets them (exec/command_gate.h).
  bool runs_commands = false;
  /// They take part in a jobserver that gorun serves.
  bool shares_jobs = false;
  /// Its workers take what comes after their first batch by themselves (Context::take), in a
  /// goroutine of their own: a command that is fed many items. Makes no second attempt, keeps no
  /// order among workers and is in no pool.
  bool takes_by_itself = false;
  /// Its operators take uncut lines (Operator::takes_lines), and keep them, also from goroutines of
  /// others.
  bool takes_lines = false;
  bool keeps_lines = false;
  /// What it makes is the same in whatever order its items come.
  bool ignores_order = false;
  /// Of a gathering stage: the number of its shards, 0: one for each P. Negative: does not gather.
  int shards = -1;
  /// Of such a stage: conclude_shard() does for the shards what conclude() does for the whole, but
  /// for the order.
  bool concludes_by_shard = false;

  [[nodiscard]] bool gathers() const { return shards >= 0; }
};

/// threads  the make_ functions are called one at a time, before anything that they made runs; what
///          they return runs in its own goroutine, at the same time as its siblings.
class Stage {
 public:
  virtual ~Stage() = default;

  [[nodiscard]] virtual StageTraits traits() const = 0;

  /// Exactly one of the first two is overridden. `context` outlives the worker.
  [[nodiscard]] virtual std::unique_ptr<Producer> make_producer(Context& context);
  [[nodiscard]] virtual std::unique_ptr<Operator> make_operator(Context& context);
  /// True if this stage is a source.
  [[nodiscard]] virtual bool is_source() const { return false; }

  /// Of a gathering stage.
  [[nodiscard]] virtual std::unique_ptr<Merger> make_merger(const ShardPlace& place);
  virtual void conclude(Context& context, Out& out);
  /// threads  for different shards any, each with a context and an Out of its own.
  virtual void conclude_shard(std::size_t shard, Context& context, Out& out);
};

}  // namespace gorun::jobs
