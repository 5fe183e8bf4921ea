// cli/run_progress.h - the progress of a job: its counters, sampled and turned into figures.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "cli/progress.h"
#include "cli/progress_text.h"
#include "cli/rate.h"
#include "jobs/graph.h"
#include "jobs/observer.h"

namespace gorun::cli {

class RunProgress final : public ProgressView {
 public:
  /// graph is read here and not kept.
  RunProgress(const jobs::Graph& graph, std::shared_ptr<const jobs::Progress> progress);

  [[nodiscard]] std::vector<std::string> block(std::chrono::nanoseconds elapsed) override;
  [[nodiscard]] std::string line(std::chrono::nanoseconds elapsed) override;

 private:
  struct Last {
    Rate items;
    Rate bytes;
    std::chrono::nanoseconds busy{0};
  };
  // Differences between samples become rates.
  [[nodiscard]] RunFigures sample(std::chrono::nanoseconds elapsed);

  std::shared_ptr<const jobs::Progress> progress_;
  std::vector<std::string> names_;
  std::vector<bool> is_source_;
  std::vector<Last> last_;
  std::chrono::nanoseconds last_elapsed_{0};
};

}  // namespace gorun::cli
