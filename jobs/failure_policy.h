// jobs/failure_policy.h - what a stage does about items that fail, as plain values.
//
//   an attempt fails ---- retry: another attempt, after a pause, if the failure is of a kind that
//        |                it names and attempts are left
//        v
//   the item has failed - tolerate, on_error: let go (counted, and reported at the end), sent
//        |                by the port "errors", or
//        v
//   the stage has failed  "fail" of the job says what that stops
//
// Pauses grow from `base` by `factor` up to `cap`. With full jitter a pause is drawn evenly from
// nothing to that: workers whose attempts failed together do not come back together.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "jobs/outcome.h"

namespace gorun::jobs {

/// Failures of this cause, and with a code only those of this code: "exit 75".
struct RetryOn {
  FailureCause cause = FailureCause::kOther;
  std::optional<int> code = std::nullopt;
  friend bool operator==(const RetryOn&, const RetryOn&) = default;
};

struct Retry {
  int max = 1;                   // attempts in all
  std::vector<RetryOn> on = {};  // empty: whatever the failure is
  std::chrono::nanoseconds base{std::chrono::seconds(1)};
  std::chrono::nanoseconds cap{std::chrono::seconds(30)};
  double factor = 2;
  bool jitter = true;  // full; false: none

  /// True if there is another attempt after number `attempt` (from 1) ended in `failure`.
  [[nodiscard]] bool goes_on(const Failure& failure, int attempt) const;
  /// The pause after attempt number `attempt`. random: evenly from [0, 1).
  [[nodiscard]] std::chrono::nanoseconds pause(const Failure& failure, int attempt,
                                               double random) const;
};

/// What becomes of an item that has failed.
enum class OnError {
  kFail,      // its stage fails
  kContinue,  // it is left out
  kRoute,     // it leaves by the port "errors"
};

/// So many items may fail before the stage does. Either limit is one; nothing: that one is not set.
struct Tolerate {
  std::optional<std::int64_t> count = std::nullopt;
  std::optional<double> percent = std::nullopt;  // of the items that came in, when all have
  [[nodiscard]] bool is_given() const { return count || percent; }
};

struct FailurePolicy {
  Retry retry = {};
  OnError on_error = OnError::kFail;
  Tolerate tolerate = {};
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;

  /// True if so many failed items, as far as is known before the end, still fail no stage.
  [[nodiscard]] bool lets_go(std::uint64_t failed) const;
  /// True if that holds at the end, when `items` have come in.
  [[nodiscard]] bool lets_go(std::uint64_t failed, std::uint64_t items) const;
};

/// The port by which failed items leave with OnError::kRoute, and the fields that they get.
inline constexpr std::string_view kErrorsPort = "errors";

}  // namespace gorun::jobs
