// cli/progress.cc - the display of a run's progress.

#include "cli/progress.h"

#include <utility>

namespace gorun::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// A run shorter than this needs no display; the block is redrawn as often as an eye can follow.
constexpr milliseconds kFirstBlock{300};
constexpr milliseconds kNextBlock{100};
// A log that somebody reads later: rarely.
constexpr milliseconds kFirstLine{5000};
constexpr milliseconds kNextLine{5000};

}  // namespace

std::optional<ProgressStyle> asked_style(const Options& options) {
  if (options.verbosity == Verbosity::kQuiet) return ProgressStyle::kNone;
  switch (options.progress) {
    case ProgressMode::kNone:
      return ProgressStyle::kNone;
    case ProgressMode::kPlain:
      return ProgressStyle::kLines;
    case ProgressMode::kBar:
      return ProgressStyle::kBlock;
    case ProgressMode::kAuto:
      break;
  }
  return std::nullopt;
}

void ProgressDisplay::begin(std::unique_ptr<ProgressView> view) {
  if (style_ == ProgressStyle::kNone) return;
  view_ = std::move(view);
  started_ = steady_clock::now();
  thread_ = std::thread([this] { draw_until_ended(); });
}

void ProgressDisplay::end() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }
  ended_.notify_one();
  thread_.join();
  view_.reset();
  screen_.clear_status();
}

void ProgressDisplay::draw_until_ended() {
  const bool is_block = style_ == ProgressStyle::kBlock;
  steady_clock::time_point next = started_ + (is_block ? kFirstBlock : kFirstLine);
  std::unique_lock lock(mutex_);
  while (!ended_.wait_until(lock, next, [this] { return has_ended_; })) {
    lock.unlock();
    draw(steady_clock::now() - started_);
    lock.lock();
    next = steady_clock::now() + (is_block ? kNextBlock : kNextLine);
  }
}

void ProgressDisplay::draw(nanoseconds elapsed) {
  if (style_ == ProgressStyle::kLines) {
    screen_.message(view_->line(elapsed) + "\n");
  } else {
    screen_.status(view_->block(elapsed));
  }
}

}  // namespace gorun::cli
