// jobs/record_limit.h - "max_record": how long a record may be that a stage gathers.
//
// A record is in one piece in memory, so one without an end would take all of it. Whoever gathers
// records (`read`, `lines`, `exec` and `reduce` that read a command's output, `reduce` that makes
// lists) refuses longer ones, by their place or their key. A limit that the job file does not give
// follows "limits.memory": what workers have in hand is then as small beside it as what waits and
// what is kept (jobs/memory_shares.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "jobs/stage_options.h"

namespace gorun::jobs {

inline constexpr std::string_view kMaxRecordOption = "max_record";

/// Of a record, where neither "max_record" nor "limits.memory" is given.
inline constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 30;

struct RecordLimit {
  std::size_t bytes = kMaxRecordBytes;  // what ends a record does not count
  bool follows_memory = false;          // a part of "limits.memory"

  /// `a larger "max_record" lets it through`, and where the limit comes from if nobody gave it.
  [[nodiscard]] std::string way_out() const;
};

/// The limit of a stage whose kind has the option.
[[nodiscard]] RecordLimit record_limit(const StageOptions& options);

/// Sets the limit of such a stage to its part of `memory` bytes, unless the job file gives one.
/// gatherers  workers of the stage, each of which may have a record in hand.
void follow_memory(std::int64_t memory, int gatherers, StageOptions* options);

}  // namespace gorun::jobs
