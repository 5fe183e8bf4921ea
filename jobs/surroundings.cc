#include "jobs/surroundings.h"

#include <utility>

#include "jobs/attempt.h"
#include "jobs/failed_item.h"

namespace gorun::jobs {
namespace {

// Of the head stage, if it routes what fails. The workers, who have an Out for it, may have ended.
void send_to_errors(const Surroundings& where, const Item& item, const Failure& failure) {
  const std::size_t stage = where.head_stage();
  const Graph& graph = where.run.graph();
  if (graph.stages[stage].failure.on_error != OnError::kRoute) return;
  for (const LivePort& port : where.ports.front()) {
    if (port.name != kErrorsPort) continue;
    if (where.plan.nodes[where.chain.nodes[0]].is_last) {
      where.run.cell(stage).items_out.fetch_add(1, std::memory_order_relaxed);
    }
    const Batch failed = failed_item(graph, stage, item, failure);
    // One that has enough does not end what the others still read.
    for (Inbox* reader : port.readers) static_cast<void>(reader->put(failed.duplicate()));
  }
}

}  // namespace

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
bool Surroundings::give_up(const Failure& failure) const {
  if (!only_drains()) return false;
  input->raise_to(InputState::kCutShort);
  run.give_up_item(head_stage(), failure);
  return true;
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
  if (!give_up(attempt->failure())) return;
  send_to_errors(*this, batch.items().front(), attempt->failure());
}

}  // namespace gorun::jobs
