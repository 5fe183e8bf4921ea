#include "jobs/failure_policy.h"

#include <algorithm>
#include <cmath>

namespace gorun::jobs {

bool Retry::goes_on(const Failure& failure, int attempt) const {
  if (attempt >= max || failure.kind == FailureKind::kInternal) return false;
  return on.empty() || std::ranges::any_of(on, [&](const RetryOn& which) {
           return which.cause == failure.cause && which.code.value_or(failure.code) == failure.code;
         });
}

std::chrono::nanoseconds Retry::pause(const Failure& failure, int attempt, double random) const {
  const double most = static_cast<double>(cap.count());
  const double grown = static_cast<double>(base.count()) * std::pow(factor, attempt - 1);
  const double length = std::min(grown, most) * (jitter ? random : 1.0);
  const std::chrono::nanoseconds pause(static_cast<std::int64_t>(length));
  // What the other side asks for is a floor: to come back sooner would be refused once more.
  return std::max(pause, failure.retry_after);
}

bool FailurePolicy::lets_go(std::uint64_t failed) const {
  if (tolerate.count) return failed <= static_cast<std::uint64_t>(*tolerate.count);
  return tolerate.percent.has_value() || on_error != OnError::kFail;
}

bool FailurePolicy::lets_go(std::uint64_t failed, std::uint64_t items) const {
  if (!lets_go(failed)) return false;
  if (!tolerate.percent) return true;
  return static_cast<double>(failed) * 100 <= *tolerate.percent * static_cast<double>(items);
}

}  // namespace gorun::jobs
