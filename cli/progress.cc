// cli/progress.cc - the display of a run's progress.

#include "cli/progress.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
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
constexpr std::size_t kMostLines = 12;

constexpr double kRateMemorySeconds = 2;  // a rate is an average over about so long

// Moves `average` towards `value`, by how much of the memory `seconds` is.
double smooth(double average, double value, double seconds) {
  const double weight = 1 - std::exp(-seconds / kRateMemorySeconds);
  return average == 0 ? value : average + weight * (value - average);
}

}  // namespace

ProgressSampler::ProgressSampler(const jobs::Graph& graph,
                                 std::shared_ptr<const jobs::Progress> progress)
    : progress_(std::move(progress)), last_(graph.stages.size()) {
  for (const jobs::StageSpec& stage : graph.stages) {
    names_.push_back(stage.name);
    is_source_.push_back(stage.inputs.empty());
  }
}

RunFigures ProgressSampler::sample(nanoseconds elapsed) {
  RunFigures run{elapsed, {}};
  const double seconds = std::chrono::duration<double>(elapsed - last_elapsed_).count();
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const jobs::Progress::Sample now = progress_->sample(i);
    const std::uint64_t items = is_source_[i] ? now.counts.items_out : now.counts.items_in;
    Last& last = last_[i];
    double busy = 0;
    if (seconds > 0) {
      last.items_per_s =
          smooth(last.items_per_s, static_cast<double>(items - last.items) / seconds, seconds);
      last.bytes_per_s = smooth(
          last.bytes_per_s, static_cast<double>(now.counts.bytes - last.bytes) / seconds, seconds);
      busy = std::chrono::duration<double>(now.counts.busy - last.busy).count() / seconds;
    }
    last.items = items;
    last.bytes = now.counts.bytes;
    last.busy = now.counts.busy;
    run.stages.push_back(
        {names_[i], now.state, items, now.counts.bytes, last.items_per_s, last.bytes_per_s, busy});
  }
  last_elapsed_ = elapsed;
  return run;
}

void ProgressDisplay::begin(const jobs::Graph& graph,
                            std::shared_ptr<const jobs::Progress> progress) {
  if (style_ == ProgressStyle::kNone) return;
  sampler_ = std::make_unique<ProgressSampler>(graph, std::move(progress));
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
  const RunFigures run = sampler_->sample(elapsed);
  if (style_ == ProgressStyle::kLines) {
    screen_.message(progress_line(run) + "\n");
  } else {
    screen_.status(progress_block(run, kMostLines));
  }
}

}  // namespace gorun::cli
