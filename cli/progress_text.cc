// cli/progress_text.cc - how far a run is, in words.

#include "cli/progress_text.h"

#include <algorithm>
#include <cmath>

#include "cli/printable.h"
#include "cli/quantity.h"

namespace gorun::cli {
namespace {

using jobs::StageState;

constexpr std::size_t kWidestName = 24;  // columns; a longer name is cut
constexpr double kHardlyBusy = 0.5;      // workers; below it no stage holds the others back

std::uint64_t rounded(double value) { return static_cast<std::uint64_t>(std::llround(value)); }

bool has_ended(const StageFigures& stage) {
  return stage.state != StageState::kWaiting && stage.state != StageState::kRunning;
}

// The running stage that works hardest: the one to give more workers or less to do.
const StageFigures* find_slowest(const RunFigures& run) {
  const StageFigures* slowest = nullptr;
  for (const StageFigures& stage : run.stages) {
    if (stage.state != StageState::kRunning || stage.busy < kHardlyBusy) continue;
    if (slowest == nullptr || stage.busy > slowest->busy) slowest = &stage;
  }
  return slowest;
}

std::string right_aligned(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

// "12,003  3,944/s  210 MiB  70.3 MiB/s": what is known of it.
std::string figures_of(const StageFigures& stage) {
  std::string out = right_aligned(format_count(stage.items), 11);
  const bool runs = stage.state == StageState::kRunning;
  if (runs && stage.items_per_s >= 0.5) {
    out += "  " + right_aligned(format_count(rounded(stage.items_per_s)) + "/s", 11);
  }
  if (stage.bytes > 0) out += "  " + right_aligned(format_bytes(stage.bytes), 9);
  if (runs && stage.bytes_per_s >= 0.5) {
    out += "  " + right_aligned(format_bytes(rounded(stage.bytes_per_s)) + "/s", 11);
  }
  return out;
}

std::string stage_line(const StageFigures& stage, std::size_t name_width) {
  std::string line = "  " + pad(stage.name, name_width) + "  ";
  line += pad(jobs::to_string(stage.state), 9);
  return stage.state == StageState::kWaiting ? line : line + figures_of(stage);
}

std::string run_line(const RunFigures& run) {
  const auto ended = static_cast<std::size_t>(std::ranges::count_if(run.stages, has_ended));
  std::string line = "gorun: " + format_duration(run.elapsed) + ", " + format_count(ended) +
                     " of " + format_count(run.stages.size(), "stage") + " done";
  if (const StageFigures* slowest = find_slowest(run))
    line += ", slowest: " + printable(slowest->name);
  return line;
}

}  // namespace

std::vector<std::string> progress_block(const RunFigures& run, std::size_t max_lines) {
  std::vector<const StageFigures*> shown;
  const bool all_fit = run.stages.size() + 1 <= max_lines;
  for (const StageFigures& stage : run.stages) {
    if (all_fit || stage.state == StageState::kRunning) shown.push_back(&stage);
  }
  // The run's line and the line that counts the rest stand in any case.
  const std::size_t room = max_lines < 3 ? 1 : max_lines - 2;
  if (!all_fit && shown.size() > room) shown.resize(room);

  std::size_t name_width = 0;
  for (const StageFigures* stage : shown) {
    name_width = std::max(name_width, std::min(display_width(stage->name), kWidestName));
  }
  std::vector<std::string> lines = {run_line(run)};
  for (const StageFigures* stage : shown) lines.push_back(stage_line(*stage, name_width));
  const std::size_t hidden = run.stages.size() - shown.size();
  if (hidden > 0) lines.push_back("  and " + format_count(hidden, "more stage"));
  return lines;
}

std::string progress_line(const RunFigures& run) {
  constexpr std::size_t kMostStages = 6;
  std::string line = run_line(run);
  std::size_t shown = 0;
  for (const StageFigures& stage : run.stages) {
    if (stage.state != StageState::kRunning) continue;
    if (shown == kMostStages) return line + ", ...";
    line += (shown == 0 ? "; " : ", ") + printable(stage.name) + " " + format_count(stage.items);
    if (stage.bytes_per_s >= 0.5) {
      line += " (" + format_bytes(rounded(stage.bytes_per_s)) + "/s)";
    } else if (stage.items_per_s >= 0.5) {
      line += " (" + format_count(rounded(stage.items_per_s)) + "/s)";
    }
    ++shown;
  }
  return line;
}

}  // namespace gorun::cli
