// jobs/mapreduce/merged_group.h - one group, put together from the states that runs have of it.
//
// Most states are small and become one. Those of lists and of distinct values are the values, and
// one hot key may have more of them than fit the memory:
//   - different values are counted without being held: when a table of them is full they go to
//     sorted runs (sort/sorted_runs.h), where equal ones come to lie side by side;
//   - a list is one item when it leaves, so one that is too long is an error that names its key.
//
// Not chosen: partitions of the values by their hashes, each small enough for a table. How many it
//   takes is not known before the last state, and a hot value's neighbours are as many as ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/mapreduce/aggregate.h"
#include "jobs/sort/sorted_runs.h"
#include "jobs/system_error.h"

namespace gorun::jobs {

/// That the list of a group is longer than it may be; its subject is the key.
[[nodiscard]] SystemError list_too_long(std::string key);
/// Whether that is what went wrong, and not what the system says in the same words.
[[nodiscard]] bool is_list_too_long(const SystemError& error);

/// threads  one at a time, on a goroutine. Blocks in marked sections.
class MergedGroup {
 public:
  /// memory_bytes  for values that are to be counted.
  /// most_of_list  bytes of a list, with a separator behind each value.
  /// directory     where values go that do not fit.
  MergedGroup(std::span<const AggregateKind> kinds, std::size_t memory_bytes,
              std::size_t most_of_list, std::string directory);

  /// Begins with no states.
  void begin(std::string_view key);
  [[nodiscard]] std::string_view key() const { return key_; }
  /// Of one aggregate. errors  list_too_long(); what is written to the disk fails as in SortedRuns.
  [[nodiscard]] std::optional<SystemError> merge_state(std::size_t aggregate,
                                                       std::string_view state);
  /// After the last one, before results are asked for.
  [[nodiscard]] std::optional<SystemError> finish();
  void append_result(std::size_t aggregate, std::string* out) const;

 private:
  struct Part {
    AggregateKind kind;
    std::unique_ptr<Aggregate> states;
    std::unique_ptr<SortedRuns> spilled = nullptr;  // nullptr: all values are in `states`
    std::int64_t different = 0;                     // of the spilled, when they have been counted
    std::size_t list_bytes = 0;
  };

  [[nodiscard]] std::optional<SystemError> spill(Part& part);
  [[nodiscard]] static std::optional<SystemError> add_values(Part& part, std::string_view state);
  [[nodiscard]] static std::optional<SystemError> count_spilled(Part& part);

  std::string key_;
  std::vector<Part> parts_;
  std::size_t bytes_of_part_;  // of values in memory
  const std::size_t most_of_list_;
  const std::string directory_;
};

}  // namespace gorun::jobs
