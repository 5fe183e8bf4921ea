#include "jobs/outcome.h"

#include <algorithm>

namespace gorun::jobs {

std::string_view to_string(StageState state) {
  switch (state) {
    case StageState::kWaiting:
      return "waiting";
    case StageState::kRunning:
      return "running";
    case StageState::kSucceeded:
      return "succeeded";
    case StageState::kFailed:
      return "failed";
    case StageState::kCancelled:
      return "cancelled";
    case StageState::kSkipped:
      return "skipped";
  }
  return "unknown";
}

std::string_view to_string(RunState state) {
  switch (state) {
    case RunState::kSucceeded:
      return "succeeded";
    case RunState::kFailed:
      return "failed";
    case RunState::kUnfinished:
      return "unfinished";
    case RunState::kInterrupted:
      return "interrupted";
    case RunState::kTimedOut:
      return "timed out";
    case RunState::kDeadlocked:
      return "deadlocked";
  }
  return "unknown";
}

bool StageOutcome::is_up_to_date() const {
  return state == StageState::kSucceeded && up_to_date_count > 0 &&
         up_to_date_count >= counts.items_in;
}

const ChannelFill* StageOutcome::fullest_channel() const {
  const auto fullest = std::ranges::max_element(channels, {}, &ChannelFill::mean);
  return fullest == channels.end() ? nullptr : &*fullest;
}

std::string_view state_word(const StageOutcome& stage) {
  return stage.is_up_to_date() ? "up to date" : to_string(stage.state);
}

bool Outcome::has_failure(FailureKind kind) const {
  return std::ranges::any_of(stages, [kind](const StageOutcome& stage) {
    return std::ranges::any_of(stage.failures,
                               [kind](const Failure& failure) { return failure.kind == kind; });
  });
}

}  // namespace gorun::jobs
