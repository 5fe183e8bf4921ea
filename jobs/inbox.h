// jobs/inbox.h - the bounded channel in front of a chain: all that feed the chain send here.
//
// It closes when the last producer is done (readers then drain it), or at once when its readers
// want no more or the run is stopped. For a chain whose work comes back (walk puts back directories
// for its siblings, a failed item gets another attempt) it also waits until every batch that was
// put has been worked off, since any of them may bring more, and until what is away has come back.
//
// Invariants
//   I1  open_ counts the producers that are not done and, of a chain whose work comes back, the
//       batches that were put and are not worked off and what is away. Whoever brings it to 0
//       closes.
//   I2  queued_bytes_ is at most shape_.bytes plus one batch for each producer.
//   I3  A token lies in room_ whenever there is room while somebody may wait for it; a token
//   without
//       need only makes somebody look again.
//
// A producer that has found the inbox full waits until half of it is free, unless it is small. Were
// it woken for each batch that is taken (the channel's own way), every taker would pay for a switch
// to it, and where each batch is a command, for another thread: the taker blocks, and hands its P
// on.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/batch.h"
#include "jobs/fill_gauge.h"
#include "jobs/out.h"
#include "jobs/outcome.h"
#include "runtime/chan.h"
#include "runtime/timer.h"
#include "runtime/trace.h"

namespace gorun::jobs {

/// Is told of the time for which a put() parks.
class PutWatcher {
 public:
  virtual ~PutWatcher() = default;
  virtual void put_parks() = 0;
  virtual void put_goes_on() = 0;
};

class Inbox {
 public:
  struct Shape {
    std::size_t capacity = 1;                       // batches
    std::size_t batch_items = 1;                    // the most items of one batch
    std::uint64_t bytes = std::uint64_t{16} << 20;  // of the texts and fields that wait
    bool shares_evenly = false;                     // divides what there is among its readers
    int readers = 1;                                // goroutines that take from it
    std::size_t producers = 0;                      // chains that call producer_done() once each
    bool comes_back = false;                        // see above
    bool takes_lines = false;  // batches of uncut lines (Batch::set_lines) are welcome
    bool keeps_lines = false;  // Out::keeps_lines()
  };
  /// queued_items  counts what waits here; outlives the inbox.
  Inbox(const Shape& shape, std::atomic<std::uint64_t>* queued_items);

  /// Names it in the report on a deadlock, and what waits in it in a trace; before it is shared.
  void set_label(const std::string& stage);

  /// Puts a batch in, in parts if it is large, parking while there is no room. kStop: closed, and
  /// a batch that is not large is as it was.
  Flow put(Batch&& batch, PutWatcher* watcher = nullptr);
  /// True if put() would not park now. A hint.
  [[nodiscard]] bool has_room() const;
  /// Puts a batch in without parking; false, and `batch` as it was, if there is no room.
  [[nodiscard]] bool try_put(Batch& batch);

  enum class Taken : unsigned char { kBatch, kNothing, kEnd };
  /// Takes a batch if there is one.
  Taken try_take(Batch* batch);
  /// Takes a batch, parking until there is one; kBatch or kEnd.
  Taken take(Batch* batch);
  /// Says that a taken batch brings no more work. Of a chain whose work comes back.
  void worked_off();
  /// Between these two the inbox stays open for something that will be put() again.
  void expect_back();
  void is_back();

  /// The time over which fill() is a mean: from before the chain's workers start until the last of
  /// them takes no more and has closed it.
  void reading_begins() { gauge_.begin(runtime::now()); }
  void reading_ends() { gauge_.end(runtime::now()); }
  /// How full it was; nothing if its reading has not ended. When all goroutines of the run have
  /// gone.
  [[nodiscard]] std::optional<ChannelFill> fill() const;

  void producer_done();
  /// Ends the stream for both sides; again does nothing.
  void close();

  /// Readers have nothing to take. A hint.
  [[nodiscard]] bool is_empty() const { return chan_.size() == 0; }
  [[nodiscard]] std::size_t batch_items() const { return shape_.batch_items; }
  [[nodiscard]] bool takes_lines() const { return shape_.takes_lines; }
  [[nodiscard]] bool keeps_lines() const { return shape_.keeps_lines; }

 private:
  // What waits. The bytes are counted once, by who puts it: who takes it may run on another core,
  // and may have no need to look at every item.
  struct Waiting {
    Batch batch;
    std::uint64_t bytes = 0;
  };

  [[nodiscard]] std::size_t part_size(std::size_t items) const;
  Flow put_part(Batch&& part, PutWatcher* watcher);
  [[nodiscard]] bool has_drained() const;
  void wait_for_room(PutWatcher* watcher);
  void count_in(std::uint64_t items, std::uint64_t bytes);
  void count_out(std::uint64_t items, std::uint64_t bytes);
  void hand_out(Waiting&& taken, Batch* batch);
  void show_waiting() const;
  void is_put();
  void release_one();

  const Shape shape_;
  const std::size_t refill_at_;  // batches that wait when a producer that found it full goes on
  runtime::Chan<Waiting> chan_;
  runtime::Chan<runtime::Unit> room_{1};
  std::atomic<int> waiting_for_room_{0};  // producers
  std::atomic<std::int64_t> open_;
  std::atomic<bool> closed_{false};  // who sets it closes the channels, once
  std::atomic<std::uint64_t> queued_bytes_{0};
  std::atomic<std::uint64_t>* const queued_items_;
  FillGauge gauge_;
  std::optional<runtime::trace::Name> waiting_;  // the curve of *queued_items_, if there is a trace
};

}  // namespace gorun::jobs
