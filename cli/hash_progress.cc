#include "cli/hash_progress.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "cli/printable.h"
#include "cli/quantity.h"

namespace gorun::cli {
namespace {

using std::chrono::nanoseconds;

// Who has waited so long will wait for longer.
constexpr std::chrono::milliseconds kCensusAfter{1500};
constexpr int kCensusNiceness = 19;

std::string part_of(std::string done, const std::optional<std::string>& total) {
  return total ? std::move(done) + " of " + *total : done;
}

}  // namespace

std::uint64_t bytes_done(const HashFigures& figures) {
  return figures.done.bytes + figures.done.known_bytes;
}

std::optional<nanoseconds> time_left(const HashFigures& figures) {
  if (!figures.total || figures.bytes_per_s < 1) return std::nullopt;
  const std::uint64_t done = std::min(bytes_done(figures), figures.total->bytes);
  const double seconds = static_cast<double>(figures.total->bytes - done) / figures.bytes_per_s;
  constexpr double kYear = 365.0 * 24 * 3600;
  if (seconds > kYear) return std::nullopt;
  return std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(seconds));
}

std::string hash_line(const HashFigures& figures) {
  std::optional<std::string> files;
  std::optional<std::string> bytes;
  if (figures.total) {
    files = format_count(std::max(figures.total->files, figures.done.files));
    bytes = format_bytes(std::max(figures.total->bytes, bytes_done(figures)));
  }
  std::string line = "gorun: " + format_duration(figures.elapsed) + ", ";
  line += files ? part_of(format_count(figures.done.files), files) + " files"
                : format_count(figures.done.files, "file");
  if (figures.done.known_files > 0) {
    line += " (" + format_count(figures.done.known_files) + " known)";
  }
  line += ", " + part_of(format_bytes(bytes_done(figures)), bytes);
  const auto rounded = static_cast<std::uint64_t>(std::llround(figures.bytes_per_s));
  line += ", " + format_bytes(rounded) + "/s";
  if (const auto left = time_left(figures)) line += ", " + format_duration(*left) + " left";
  return line;
}

std::vector<std::string> hash_block(const HashFigures& figures) {
  std::vector<std::string> lines = {hash_line(figures)};
  if (const auto& slowest = figures.done.slowest) {
    lines.push_back("  slowest: " + printable(slowest->name) + ", " + format_bytes(slowest->read) +
                    " of " + format_bytes(slowest->size));
  }
  return lines;
}

HashProgress::~HashProgress() {
  stop_.store(true, std::memory_order_relaxed);  // a hint; join() orders the rest
  stop_.notify_all();
  if (counter_.joinable()) counter_.join();
}

std::vector<std::string> HashProgress::block(nanoseconds elapsed) {
  return hash_block(sample(elapsed));
}

std::string HashProgress::line(nanoseconds elapsed) { return hash_line(sample(elapsed)); }

HashFigures HashProgress::sample(nanoseconds elapsed) {
  if (elapsed >= kCensusAfter && census_ && !counter_.joinable()) begin_census();
  HashFigures figures{elapsed, meter_.figures()};
  const double seconds = std::chrono::duration<double>(elapsed - last_elapsed_).count();
  bytes_.update(figures.done.bytes, seconds);
  figures.bytes_per_s = bytes_.per_s();
  if (is_counted_.load(std::memory_order_acquire)) figures.total = total_;  // see the field
  last_elapsed_ = elapsed;
  return figures;
}

void HashProgress::begin_census() {
  counter_ = std::thread([this] {
    // Linux gives each thread a niceness of its own. Without it the count is only less polite.
    static_cast<void>(::setpriority(PRIO_PROCESS, 0, kCensusNiceness));
    const jobs::HashTotals total = census_(stop_);
    if (stop_.load(std::memory_order_relaxed)) return;
    total_ = total;
    is_counted_.store(true, std::memory_order_release);  // pairs with the acquire in sample()
  });
}

}  // namespace gorun::cli
