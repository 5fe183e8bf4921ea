// cli/progress_text.h - how far a run is, in words: pure text from plain figures.
//
// The display (cli/progress.h) samples and draws; what it draws is made here, where a test can read
// it without a terminal or a clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "jobs/outcome.h"

namespace gorun::cli {

/// One stage at one moment.
struct StageFigures {
  std::string name;  // bytes, as in the job file
  jobs::StageState state = jobs::StageState::kWaiting;
  std::uint64_t items = 0;  // taken in; of a source: sent
  std::uint64_t bytes = 0;  // to or from the outside
  double items_per_s = 0;
  double bytes_per_s = 0;
  double busy = 0;  // workers that were working, on average, since the sample before
};

struct RunFigures {
  std::chrono::nanoseconds elapsed{0};
  std::vector<StageFigures> stages;  // in the order of the job file
};

/// The block that is redrawn in place: a line for the run, then a line for each stage; with more
/// stages than `max_lines` allows only those that run, and a line that counts the rest.
[[nodiscard]] std::vector<std::string> progress_block(const RunFigures& run, std::size_t max_lines);

/// The line that is written now and then where nothing can be redrawn; without its line feed.
[[nodiscard]] std::string progress_line(const RunFigures& run);

}  // namespace gorun::cli
