// cli/hash_progress.h - the progress of hashing: files, bytes, rate, and how long it will take.
//
// The end can be foretold only when all is counted. A thread of low priority counts, once a person
// has waited for so long that the answer is worth a walk of its own (jobs/hash/hash_census.h).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/progress.h"
#include "cli/rate.h"
#include "jobs/hash/hash_census.h"
#include "jobs/hash/hash_meter.h"

namespace gorun::cli {

/// One moment of it.
struct HashFigures {
  std::chrono::nanoseconds elapsed{0};
  jobs::HashMeter::Figures done;
  double bytes_per_s = 0;
  std::optional<jobs::HashTotals> total = std::nullopt;  // nothing: not counted yet
};

/// How long it will take from here; nothing while that is unknown.
[[nodiscard]] std::optional<std::chrono::nanoseconds> time_left(const HashFigures& figures);

/// Of the files that are done, read or not.
[[nodiscard]] std::uint64_t bytes_done(const HashFigures& figures);

/// "gorun: 12.3 s, 12,003 of 48,120 files, 21.0 GiB of 80.2 GiB, 1.20 GiB/s, 49 s left".
/// With a cache, "(11,990 known)" behind the files. The rate is that of reading.
[[nodiscard]] std::string hash_line(const HashFigures& figures);
/// hash_line(), and a line for the file that holds the rest up.
[[nodiscard]] std::vector<std::string> hash_block(const HashFigures& figures);

class HashProgress final : public ProgressView {
 public:
  /// Counts what there is to hash, or gives up soon after the flag is set.
  using Census = std::function<jobs::HashTotals(const std::atomic<bool>& stop)>;

  /// meter   outlives this.
  /// census  empty: it cannot be counted.
  HashProgress(const jobs::HashMeter& meter, Census census)
      : meter_(meter), census_(std::move(census)) {}
  ~HashProgress() override;
  HashProgress(const HashProgress&) = delete;
  HashProgress& operator=(const HashProgress&) = delete;

  [[nodiscard]] std::vector<std::string> block(std::chrono::nanoseconds elapsed) override;
  [[nodiscard]] std::string line(std::chrono::nanoseconds elapsed) override;

 private:
  [[nodiscard]] HashFigures sample(std::chrono::nanoseconds elapsed);
  void begin_census();

  const jobs::HashMeter& meter_;
  const Census census_;
  Rate bytes_;
  std::chrono::nanoseconds last_elapsed_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> is_counted_{false};  // release after total_, acquire before it is read
  jobs::HashTotals total_;
  std::thread counter_;
};

}  // namespace gorun::cli
