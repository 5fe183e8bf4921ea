#include "jobs/surroundings.h"

#include "jobs/attempt.h"

namespace gorun::jobs {

ShardInboxes::ShardInboxes(std::size_t shards, std::size_t capacity) {
  for (std::size_t i = 0; i < shards; ++i) chans_.emplace_back(capacity);
}

void ShardInboxes::close() {
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  for (runtime::Chan<ParcelPtr>& chan : chans_) chan.close();
}

void InputStateCell::raise_to(InputState state) {
  InputState before = state_.load(std::memory_order_relaxed);
  while (before < state &&
         !state_.compare_exchange_weak(before, state, std::memory_order_relaxed)) {
  }
}

bool Surroundings::ends_by_draining() const {
  const PlanNode& head = plan.nodes[chain.nodes[0]];
  const bool is_source = run.graph().stages[head.stage].inputs.empty();
  return is_source != head.traits.begins_operations;
}

// No failure that draining made stops what draining lets come to its end.
void Surroundings::give_up(const Failure& failure) const {
  if (!only_drains()) return;
  input->raise_to(InputState::kCutShort);
  run.give_up_item(head_stage(), failure);
}

void Surroundings::leave_out(Batch&& batch) const {
  if (is_drained()) input->raise_to(InputState::kCutShort);
  if (!chain.retries) return;
  const ParcelPtr parcel = batch.detach();
  const auto* const attempt = dynamic_cast<const Attempt*>(parcel.get());
  if (attempt == nullptr) return;
  // Whoever sent it for another attempt took it off.
  if (plan.nodes[chain.nodes[0]].is_first) {
    run.cell(head_stage()).items_in.fetch_add(1, std::memory_order_relaxed);
  }
  give_up(attempt->failure());
}

}  // namespace gorun::jobs
