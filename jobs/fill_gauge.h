// jobs/fill_gauge.h - how full a channel with two bounds (batches, and bytes of what they hold) is
// while it is read: on average over time, and at most.
//
// What waits in a channel, summed over time, is the time that each batch waits, summed over batches
// (Little 1961). So a batch subtracts its time when it comes and adds it when it leaves. Sums do
// not care in what order goroutines make them: for each batch that is two reads of the clock and
// four relaxed additions, in a line that the inbox writes for it anyhow, and the mean is exact.
//
// Not chosen: the size that each batch finds when it comes. A channel that is full for a minute,
//   because its reader is at one long item, would count once, and a burst before that a thousand
//   times; "blocked on send 99 %" would stand beside "5 % full". Nor a ticker that looks at it now
//   and then: a short run has ended before.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "jobs/outcome.h"
#include "runtime/timer.h"

namespace gorun::jobs {

/// Statistics only: relaxed, nothing is ordered by them. threads  any, but for fill().
class FillGauge {
 public:
  FillGauge(std::size_t batches, std::uint64_t bytes) : batches_(batches), bytes_(bytes) {}

  /// The channel is read from here on; what has come before waits since now.
  void begin(runtime::Nanos now) { begun_.store(now.count(), std::memory_order_relaxed); }
  /// Who read it takes no more; the last one's word counts. The channel is closed by now.
  void end(runtime::Nanos now) { ended_.store(now.count(), std::memory_order_relaxed); }

  void came(std::uint64_t bytes, runtime::Nanos now);
  void left(std::uint64_t bytes, runtime::Nanos now);
  /// So much is in it now.
  void saw(std::size_t batches, std::uint64_t bytes);

  /// Nothing if its reading has not ended. Once nobody puts or takes any more.
  /// batches, bytes  what nobody took.
  [[nodiscard]] std::optional<ChannelFill> fill(std::size_t batches, std::uint64_t bytes) const;

 private:
  struct Bound {
    explicit Bound(std::uint64_t most_of_it)
        : limit(std::max<std::uint64_t>(most_of_it, 1)),
          shift(std::max(static_cast<int>(std::bit_width(limit)) - kPartBits, 0)) {}

    // Amounts are counted in parts, so that their sums over a month fit; one batch is a part.
    static constexpr int kPartBits = 25;
    [[nodiscard]] std::uint64_t parts(std::uint64_t amount) const { return amount >> shift; }
    void saw(std::uint64_t amount);
    [[nodiscard]] double mean(std::uint64_t amount, std::uint64_t ticks) const;
    [[nodiscard]] double most() const;

    const std::uint64_t limit;
    const int shift;
    std::atomic<std::uint64_t> waited{0};  // parts times ticks, modulo 2^64
    std::atomic<std::uint64_t> highest{0};
  };

  static constexpr std::int64_t kNotYet = runtime::Nanos::max().count();
  // Since begin(), and 0 before it.
  [[nodiscard]] std::uint64_t ticks(std::int64_t now) const;

  Bound batches_;
  Bound bytes_;
  std::atomic<std::int64_t> begun_{kNotYet};
  std::atomic<std::int64_t> ended_{kNotYet};
};

}  // namespace gorun::jobs
