// cli/progress.h - the display of a run's progress: a thread that samples counters and draws.
//
// What is shown is a ProgressView's: of a job (cli/run_progress.h) or of hashing
// (cli/hash_progress.h). The run is never asked to wait: its counters are read, and a slow terminal
// slows only this thread. A run that ends soon shows nothing at all, and the display is gone before
// the closing report.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/options.h"
#include "cli/terminal.h"

namespace gorun::cli {

enum class ProgressStyle {
  kNone,
  kBlock,  // redrawn in place
  kLines,  // a line every few seconds
};

/// What the command line says; nothing: it leaves the choice to us.
[[nodiscard]] std::optional<ProgressStyle> asked_style(const Options& options);

/// What a display shows. threads: the display's, one at a time.
class ProgressView {
 public:
  virtual ~ProgressView() = default;
  /// Lines that are redrawn in place. elapsed: since the display began.
  [[nodiscard]] virtual std::vector<std::string> block(std::chrono::nanoseconds elapsed) = 0;
  /// A line for where nothing can be redrawn; without its line feed.
  [[nodiscard]] virtual std::string line(std::chrono::nanoseconds elapsed) = 0;
};

class ProgressDisplay {
 public:
  /// screen  outlives the display.
  ProgressDisplay(Screen& screen, ProgressStyle style) : screen_(screen), style_(style) {}
  ~ProgressDisplay() { end(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  /// Starts to draw. threads: any; once.
  void begin(std::unique_ptr<ProgressView> view);

  /// Erases the display and ends the thread; again does nothing. threads: outside goroutines.
  void end();

 private:
  void draw_until_ended();
  void draw(std::chrono::nanoseconds elapsed);

  Screen& screen_;
  const ProgressStyle style_;
  std::unique_ptr<ProgressView> view_;  // the thread's, once begun
  std::chrono::steady_clock::time_point started_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace gorun::cli
