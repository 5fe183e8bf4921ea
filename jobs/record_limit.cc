#include "jobs/record_limit.h"

#include <algorithm>

namespace gorun::jobs {
namespace {

// A long record is there several times: in a buffer that grew to twice its size, as a key in
// tables, on the way between two stages, in what is written to the disk, at the head of a run.
constexpr std::int64_t kCopies = 8;
// Up to so many workers a limit does not depend on how many there are: a file that is read on a
// small machine is read on a large one.
constexpr int kGatherers = 16;
// What is read at a time (jobs/text/range_reader.h) is in hand anyhow.
constexpr auto kLeastBytes = std::int64_t{256} << 10;

}  // namespace

std::string RecordLimit::way_out() const {
  const std::string larger = R"(a larger "max_record" lets it through)";
  return follows_memory ? R"("limits.memory" leaves a record so much; )" + larger : larger;
}

RecordLimit record_limit(const StageOptions& options) {
  const auto bytes = static_cast<std::size_t>(options.integer(kMaxRecordOption));
  return {.bytes = bytes,
          .follows_memory = !options.is_given(kMaxRecordOption) && bytes < kMaxRecordBytes};
}

void follow_memory(std::int64_t memory, int gatherers, StageOptions* options) {
  if (options->is_given(kMaxRecordOption)) return;
  const std::int64_t part = memory / (kCopies * std::max(gatherers, kGatherers));
  options->set(kMaxRecordOption,
               std::clamp(part, kLeastBytes, static_cast<std::int64_t>(kMaxRecordBytes)));
}

}  // namespace gorun::jobs
