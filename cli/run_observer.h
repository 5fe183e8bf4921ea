// cli/run_observer.h - what the engine tells, handed to those who show it: display, screen, log.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "cli/log.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "jobs/observer.h"

namespace gorun::cli {

/// Shows each failure when it happens, up to a few for each stage, and logs what starts and ends.
/// With Verbosity::kVerbose also, of the first few commands of a stage, why they run or need not.
class RunObserver final : public jobs::Observer {
 public:
  /// All outlive the observer.
  RunObserver(Screen& screen, ProgressDisplay& display, const Log& log, Verbosity verbosity)
      : screen_(screen), display_(display), log_(log), verbosity_(verbosity) {}

  void run_started(const jobs::Graph& graph,
                   std::shared_ptr<const jobs::Progress> progress) override;
  void stage_started(std::size_t stage) override;
  void stage_failure(std::size_t stage, const jobs::Failure& failure) override;
  void item_let_go(std::size_t stage, const jobs::Failure& failure) override;
  void attempt_failed(std::size_t stage, const jobs::Failure& failure,
                      std::chrono::nanoseconds pause) override;
  void command_judged(std::size_t stage, std::string_view item, std::string_view why) override;
  void stage_warned(std::size_t stage, std::string_view what) override;
  void stage_finished(std::size_t stage, const jobs::StageOutcome& outcome) override;

 private:
  Screen& screen_;
  ProgressDisplay& display_;
  const Log& log_;
  const jobs::Graph* graph_ = nullptr;  // from run_started(); the engine keeps it until the end
  const Verbosity verbosity_;
  std::vector<std::size_t> shown_;   // failures shown, by stage
  std::vector<std::size_t> judged_;  // likewise: commands that run, or need not
};

}  // namespace gorun::cli
