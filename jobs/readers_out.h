// jobs/readers_out.h - the Out of the last operator of a chain, or of a port: into the inboxes of
// its readers.
//
// Each reader gets every batch; one that has enough does not end what the others still read, and
// one that is slow holds all of them back. Without any, items are counted and dropped.
#pragma once

#include <cstddef>
#include <vector>

#include "jobs/inbox.h"
#include "jobs/out.h"
#include "jobs/plan.h"
#include "jobs/pool_places.h"
#include "jobs/stage_clock.h"
#include "jobs/surroundings.h"

namespace gorun::jobs {

/// threads  the goroutine of one worker.
class ReadersOut final : public Out, PutWatcher {
 public:
  /// from, cell      of the operator whose items these are.
  /// clock, places   of the goroutine: who waits for room is not busy, and holds no places of a
  /// pool. All outlive it.
  ReadersOut(const Surroundings& where, const PlanNode& from, StageCell& cell,
             const std::vector<Inbox*>& readers, StageClock& clock, PoolPlaces& places);

  [[nodiscard]] bool reader_is_idle() const override;
  [[nodiscard]] bool takes_lines() const override;
  [[nodiscard]] bool keeps_lines() const override;

 protected:
  Flow deliver(Batch&& batch) override;
  Flow deliver_lines(const Batch& batch, const Item& text, std::uint64_t lines) override;
  Flow deliver_flush() override { return Flow::kMore; }

 private:
  [[nodiscard]] static std::size_t wanted_items(const std::vector<Inbox*>& readers);
  Flow put(Inbox& inbox, Batch&& batch);
  Flow put_without_places(Inbox& inbox, Batch&& batch);
  void put_parks() override { mine_ = clock_.switch_to(&cell_.waiting_out); }
  void put_goes_on() override { clock_.switch_to(mine_); }

  const Surroundings& where_;
  const PlanNode& from_;
  StageCell& cell_;
  const std::vector<Inbox*>& readers_;
  StageClock& clock_;
  PoolPlaces& places_;
  StageAccount* mine_ = nullptr;  // while a put() parks
};

}  // namespace gorun::jobs
