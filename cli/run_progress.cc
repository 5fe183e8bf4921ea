#include "cli/run_progress.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace gorun::cli {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kMostLines = 12;

}  // namespace

RunProgress::RunProgress(const jobs::Graph& graph, std::shared_ptr<const jobs::Progress> progress)
    : progress_(std::move(progress)), last_(graph.stages.size()) {
  for (const jobs::StageSpec& stage : graph.stages) {
    names_.push_back(stage.name);
    is_source_.push_back(stage.inputs.empty());
  }
}

RunFigures RunProgress::sample(nanoseconds elapsed) {
  RunFigures run{elapsed, {}};
  const double seconds = std::chrono::duration<double>(elapsed - last_elapsed_).count();
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const jobs::Progress::Sample now = progress_->sample(i);
    const std::uint64_t items = is_source_[i] ? now.counts.items_out : now.counts.items_in;
    Last& last = last_[i];
    double busy = 0;
    if (seconds > 0) {
      busy = std::chrono::duration<double>(now.counts.busy - last.busy).count() / seconds;
    }
    last.items.update(items, seconds);
    last.bytes.update(now.counts.bytes, seconds);
    last.busy = now.counts.busy;
    run.stages.push_back({names_[i], now.state, items, now.counts.bytes, last.items.per_s(),
                          last.bytes.per_s(), busy});
  }
  last_elapsed_ = elapsed;
  return run;
}

std::vector<std::string> RunProgress::block(nanoseconds elapsed) {
  return progress_block(sample(elapsed), kMostLines);
}

std::string RunProgress::line(nanoseconds elapsed) { return progress_line(sample(elapsed)); }

}  // namespace gorun::cli
