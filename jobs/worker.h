// jobs/worker.h - one goroutine of a chain: its operators in a row, from the inbox to the readers.
//
// The Out of an operator calls the next operator directly, one virtual call a batch. The Out of the
// last one sends into the inboxes of the chain's readers. Time is booked at these borders only:
// twice a batch, never for an item.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "jobs/pool_places.h"
#include "jobs/reorder.h"
#include "jobs/stage_clock.h"
#include "jobs/surroundings.h"

namespace gorun::jobs {

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
  /// The same for the shards `first`, `first` + `step`, ... of `shards`, by conclude_shard(); on as
  /// many goroutines as there are workers, each with its own.
  void conclude_shards(std::size_t first, std::size_t step, std::size_t shards);

 private:
  struct Link;
  class LinkContext;
  class NextOut;
  class OrderedOut;

  void make_link(std::size_t node);
  void connect_links();
  void run_links();
  template <class Conclude>
  void put_out(Conclude conclude);
  void run_producer(Link& link);
  void say_if_cut();
  void consume_in_order();
  void begin_attempt(Batch* batch);
  Flow process(Link& head, Batch* batch);
  void consume();
  void flush();
  static void flush_ports(Link& link);
  [[nodiscard]] bool may_begin();
  void leave_out(Batch&& batch);
  void take_places();
  [[nodiscard]] bool reader_is_idle() const;

  const Surroundings& where_;
  StageClock clock_;
  PoolPlaces places_;
  std::vector<std::unique_ptr<Link>> links_;
  bool is_finishing_ = false;    // nothing comes back any more: what fails now fails for good
  Reorder::Ticket ticket_ = 0;   // of the batch at hand, where order is kept
  bool is_ticket_open_ = false;  // it stays so: an item of it waits for another attempt
};

}  // namespace gorun::jobs
