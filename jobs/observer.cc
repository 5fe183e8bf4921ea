#include "jobs/observer.h"

namespace gorun::jobs {

// NOLINTNEXTLINE(performance-unnecessary-value-param): those who override it keep the pointer
void Observer::run_started(const Graph& /*graph*/, std::shared_ptr<const Progress> /*progress*/) {}
void Observer::stage_started(std::size_t /*stage*/) {}
void Observer::stage_failure(std::size_t /*stage*/, const Failure& /*failure*/) {}
void Observer::attempt_failed(std::size_t /*stage*/, const Failure& /*failure*/,
                              std::chrono::nanoseconds /*pause*/) {}
void Observer::item_let_go(std::size_t /*stage*/, const Failure& /*failure*/) {}
void Observer::command_judged(std::size_t /*stage*/, std::string_view /*item*/,
                              std::string_view /*why*/) {}
void Observer::stage_warned(std::size_t /*stage*/, std::string_view /*what*/) {}
void Observer::stage_finished(std::size_t /*stage*/, const StageOutcome& /*outcome*/) {}
void Observer::run_finished(const Outcome& /*outcome*/) {}

}  // namespace gorun::jobs
