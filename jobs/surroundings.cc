#include "jobs/surroundings.h"

#include <utility>

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

void Surroundings::last_attempt_failed(std::size_t stage, Failure failure) const {
  if (!only_drains()) return;
  static_cast<void>(run.fail_item(stage, std::move(failure)));
}

}  // namespace gorun::jobs
