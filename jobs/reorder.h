// jobs/reorder.h - output in input order from workers that finish in any order.
//
//   inbox -> take(): a ticket for each batch -> workers -> append(ticket), complete(ticket)
//         -> run(): the batches of the lowest ticket, then of the next -> readers
//
// What workers put out for a ticket lies in its slot until all tickets before it are complete; one
// goroutine, run(), passes it on. A slot whose turn it is empties as it fills, so that a single
// item with much output streams. An errand (jobs/out.h) is run by run().
//
// Invariants
//   I1  Tickets are given in the order of the inbox, because take() is one at a time.
//   I2  Items from the lowest ticket to the last one given are fewer than the window plus a batch:
//       take() waits for that. An item that waits for another attempt keeps its ticket open.
//   I3  What lies in slots whose turn has not come, texts and tables of items, is at most
//       shape_.bytes plus a batch for each worker, as append() waits for that, where no attempt is
//       made twice; with further attempts a worker must stay free to make them, and the window
//       alone bounds what lies here.
//   I4  The worker of the lowest ticket never waits for another worker, so there is always
//   progress:
//       append() and await_turn() hold it back only until run() has passed on what it has; take()
//       hands out what comes back for another attempt before anything new.
// Not chosen: sending from the workers, each waiting for its turn (await_turn() is for what is too
//   large to lie here). All of them would soon wait for
//   the slowest one, and with them the cores; here they work ahead as far as the window reaches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "jobs/batch.h"
#include "jobs/inbox.h"
#include "jobs/out.h"
#include "runtime/sync.h"

namespace gorun::jobs {

class Reorder {
 public:
  using Ticket = std::uint64_t;

  struct Shape {
    std::size_t window = 1;                     // items
    std::size_t bytes = std::size_t{16} << 20;  // that wait for their turn: as in a channel
    bool retries = false;                       // items may come back
  };
  /// Both outlive it.
  Reorder(const Shape& shape, Inbox& inbox, const std::vector<Inbox*>& readers)
      : shape_(shape), inbox_(inbox), readers_(readers) {}

  /// As Inbox::take(), with the ticket of the batch.
  Inbox::Taken take(Batch* batch, Ticket* ticket);
  /// A ticket behind all others, for what a worker puts out at its end.
  [[nodiscard]] Ticket last_ticket();

  /// Adds to the output of an open ticket; parks while too much waits. kStop: nobody wants more.
  Flow append(Ticket ticket, Batch&& batch);
  /// The same without parking; nothing, and `batch` as it was, if too much waits.
  [[nodiscard]] std::optional<Flow> try_append(Ticket ticket, Batch& batch);
  /// Parks until what comes from an open ticket would be passed on next. kStop: nobody wants more.
  Flow await_turn(Ticket ticket);
  /// True if that would not park.
  [[nodiscard]] bool has_turn(Ticket ticket);
  /// There will be no more for that ticket.
  void complete(Ticket ticket);

  /// Hands an item with an open ticket out once more, before anything new.
  void put_back(Batch&& batch, Ticket ticket);

  /// The workers have ended, and nothing comes back any more: all tickets that there will be are
  /// given and complete, but for those of items that came back when nobody took them any more
  /// (draining, a worker that had enough). Those are completed here, and their batches returned.
  /// run() returns when it has passed on the output of all.
  [[nodiscard]] std::vector<Batch> finish();
  /// Passes the output on; returns after finish() or close(), or when the readers want no more.
  void run();
  /// Ends everything at once.
  void close();

 private:
  struct Slot {
    std::vector<Batch> ready;
    std::size_t items = 0;  // that came in
    std::size_t bytes = 0;  // of `ready`, with its tables
    bool is_complete = false;
  };

  [[nodiscard]] bool is_first(Ticket ticket) const { return ticket == first_; }
  Slot& slot(Ticket ticket) { return slots_[static_cast<std::size_t>(ticket - first_)]; }
  [[nodiscard]] bool must_wait(Ticket ticket);
  [[nodiscard]] bool is_next(Ticket ticket);
  Flow add(Ticket ticket, Batch&& batch);
  Ticket open_slot(std::size_t items);
  void close_locked();
  Flow pass_on(Batch&& batch);

  const Shape shape_;
  Inbox& inbox_;
  const std::vector<Inbox*>& readers_;

  runtime::Mutex taking_;   // held across Inbox::take(); before lock_
  runtime::Mutex lock_;     // guards what follows
  runtime::Cond room_;      // a ticket left, bytes left, something came back, the end
  runtime::Cond work_;      // for run(): the first slot has output or is complete, the end
  std::deque<Slot> slots_;  // of the tickets from first_ on
  Ticket first_ = 0;
  std::size_t items_ = 0;  // of all slots
  std::size_t bytes_ = 0;  // of all slots, in the same way
  std::deque<std::pair<Batch, Ticket>> back_;
  bool is_finished_ = false;
  bool is_closed_ = false;
};

}  // namespace gorun::jobs
