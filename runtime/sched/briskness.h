// runtime/sched/briskness.h - does a P run many short turns between its looks at the network?
//
// As a server under load does, whose goroutines take a request, answer it and wait for the next.
// Only there may a turn be put off for what its neighbours will do in a moment
// (poll/send_batch.h). What was true of many rounds in a row is taken to be true of the next one;
// one that is not ends it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace gorun::runtime {

/// Of one P. Its owner.
class Briskness {
 public:
  /// A look at `now` (nanoseconds), with nothing else to run, which found `found` goroutines; the P
  /// has taken `tick` turns in all.
  void looked(std::int64_t now, std::uint32_t tick, std::size_t found) {
    const std::uint32_t turns = tick - tick_;
    const bool is_brisk =
        found >= kManyFound && turns <= kTurnsEach * found && now - at_ <= kShortTurnNs * turns;
    rounds_ = is_brisk ? std::min(rounds_ + 1, kRounds) : 0;
    tick_ = tick;
    at_ = now;
  }

  explicit operator bool() const { return rounds_ == kRounds; }

 private:
  static constexpr std::size_t kManyFound = 8;
  static constexpr std::size_t kTurnsEach = 4;  // most turns are of those that it found
  static constexpr std::int64_t kShortTurnNs = 20'000;
  static constexpr int kRounds = 16;

  int rounds_ = 0;
  std::uint32_t tick_ = 0;
  std::int64_t at_ = 0;
};

}  // namespace gorun::runtime
