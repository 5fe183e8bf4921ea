#include "jobs/pool_places.h"

#include <utility>

namespace gorun::jobs {

void PoolPlaces::take() {
  if (where_.pool == nullptr || has_places_) return;
  where_.pool->acquire(where_.chain.weight);
  has_places_ = true;
}

bool PoolPlaces::pass_gate(const runtime::Cancel& cancel) {
  if (where_.gate == nullptr || permit_) return true;
  const StageTraits& traits = where_.plan.nodes[where_.chain.nodes[0]].traits;
  // As a client of make all commands are its jobs.
  const Jobserver* const jobserver = where_.options.jobserver;
  const bool takes_token =
      jobserver != nullptr && (traits.shares_jobs || jobserver->role() == Jobserver::Role::kClient);
  permit_ = where_.gate->pass(
      takes_token ? CommandGate::WithToken::kYes : CommandGate::WithToken::kNo, cancel);
  return permit_.has_value();
}

bool PoolPlaces::take_for_command() {
  take();
  return pass_gate(where_.ends->draining);
}

void PoolPlaces::give_back() {
  if (permit_) where_.gate->leave(*std::exchange(permit_, std::nullopt));
  if (!std::exchange(has_places_, false)) return;
  where_.pool->release(where_.chain.weight);
}

PoolPlaces::Lent::Lent(PoolPlaces& places)
    : places_(places), had_places_(places.has_places_), had_permit_(places.permit_.has_value()) {
  places_.give_back();
}

// The command runs already: draining does not keep it from having its permit back.
PoolPlaces::Lent::~Lent() {
  if (had_places_) places_.take();
  if (had_permit_) static_cast<void>(places_.pass_gate(places_.where_.ends->stopped));
}

}  // namespace gorun::jobs
