// runtime/poll/operation.h - an operation on a descriptor, from its turn to its result.
#pragma once

#include <cerrno>

#include "runtime/io.h"
#include "runtime/poll/poll_desc.h"

namespace gorun::runtime {

/// Finishes the closing of a descriptor that nobody uses any more. returns 0 or an errno.
int finish_close(PollDesc* pd);

/// Ends a PollDesc's wait as an operation's result.
inline IoResult failure(PollResult result) {
  switch (result.status) {
    case PollStatus::kClosed:
      return {0, IoStatus::kClosed, 0};
    case PollStatus::kTimedOut:
      return {0, IoStatus::kTimedOut, 0};
    case PollStatus::kFailed:
      return {0, IoStatus::kError, result.error};
    // Would block, and cannot be waited for: nothing better can be said than the kernel did.
    case PollStatus::kUnpollable:
      return {0, IoStatus::kError, EAGAIN};
    case PollStatus::kReady:
      break;
  }
  return {};
}

inline IoResult failure(int error) { return {0, IoStatus::kError, error}; }

/// The turn of one direction, for as long as it lives.
class Turn {
 public:
  Turn(PollDesc* pd, PollMode mode)
      : pd_(pd != nullptr && pd->lock.lock(mode) ? pd : nullptr), mode_(mode) {}
  ~Turn() {
    // Nobody waits for a deferred close: its error is lost, as io.h says.
    if (pd_ != nullptr && pd_->lock.unlock(mode_)) (void)finish_close(pd_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return pd_ != nullptr; }
  [[nodiscard]] PollDesc* operator->() const { return pd_; }
  [[nodiscard]] PollDesc& operator*() const { return *pd_; }
  [[nodiscard]] PollMode mode() const { return mode_; }

 private:
  PollDesc* const pd_;
  const PollMode mode_;
};

/// A place among the users of a descriptor, without a turn.
class Hold {
 public:
  explicit Hold(PollDesc* pd) : pd_(pd != nullptr && pd->lock.hold() ? pd : nullptr) {}
  ~Hold() {
    if (pd_ != nullptr && pd_->lock.drop()) (void)finish_close(pd_);
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  explicit operator bool() const { return pd_ != nullptr; }
  [[nodiscard]] PollDesc* operator->() const { return pd_; }
  [[nodiscard]] PollDesc& operator*() const { return *pd_; }

 private:
  PollDesc* const pd_;
};

/// Tries `attempt` (a result or minus an errno) until it does not fail with EAGAIN, parking in
/// between. returns its last result in `count`, if the status is kOk.
template <class Attempt>
[[gnu::always_inline]] inline IoResult attempt_or_park(const Turn& turn, Attempt attempt,
                                                       WaitReason reason) {
  for (;;) {
    if (const PollResult p = turn->prepare(turn.mode(), reason); p.status != PollStatus::kReady) {
      return failure(p);
    }
    const auto result = attempt();
    if (result >= 0) return {static_cast<std::size_t>(result), IoStatus::kOk, 0};
    if (result != -EAGAIN) return failure(static_cast<int>(-result));
    if (const PollResult p = turn->wait(turn.mode(), reason); p.status != PollStatus::kReady) {
      return failure(p);
    }
  }
}
template <class Attempt>
[[gnu::always_inline]] inline IoResult attempt_or_park(const Turn& turn, Attempt attempt) {
  return attempt_or_park(turn, attempt, reason_for(turn.mode()));
}

}  // namespace gorun::runtime
