// cli/progress.h - the display of a run's progress: a thread that samples counters and draws.
//
// The run is never asked to wait: its counters are read, and a slow terminal slows only this
// thread. A run that ends soon shows nothing at all, and the display is gone before the closing
// report.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cli/progress_text.h"
#include "cli/terminal.h"
#include "jobs/graph.h"
#include "jobs/observer.h"

namespace gorun::cli {

enum class ProgressStyle {
  kNone,
  kBlock,  // redrawn in place
  kLines,  // a line every few seconds
};

/// Turns counters into figures: differences between samples become rates.
class ProgressSampler {
 public:
  /// graph is read here and not kept.
  ProgressSampler(const jobs::Graph& graph, std::shared_ptr<const jobs::Progress> progress);

  /// elapsed  since the start of the run; not before the last call's.
  [[nodiscard]] RunFigures sample(std::chrono::nanoseconds elapsed);

 private:
  struct Last {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
    std::chrono::nanoseconds busy{0};
    double items_per_s = 0;
    double bytes_per_s = 0;
  };
  std::shared_ptr<const jobs::Progress> progress_;
  std::vector<std::string> names_;
  std::vector<bool> is_source_;
  std::vector<Last> last_;
  std::chrono::nanoseconds last_elapsed_{0};
};

class ProgressDisplay {
 public:
  /// screen  outlives the display.
  ProgressDisplay(Screen& screen, ProgressStyle style) : screen_(screen), style_(style) {}
  ~ProgressDisplay() { end(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  /// Starts to draw. threads: any; once.
  void begin(const jobs::Graph& graph, std::shared_ptr<const jobs::Progress> progress);

  /// Erases the display and ends the thread; again does nothing. threads: outside goroutines.
  void end();

 private:
  void draw_until_ended();
  void draw(std::chrono::nanoseconds elapsed);

  Screen& screen_;
  const ProgressStyle style_;
  std::unique_ptr<ProgressSampler> sampler_;  // the thread's, once begun
  std::chrono::steady_clock::time_point started_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace gorun::cli
