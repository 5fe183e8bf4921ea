#include "jobs/mapreduce/merged_group.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "jobs/mapreduce/stored_values.h"

namespace gorun::jobs {
namespace {

// A table of values doubles, and the old one is there until it has.
constexpr std::size_t kGrowth = 4;
// With less, groups of usual size would go to the disk.
constexpr std::size_t kLeastValueTable = std::size_t{64} << 10;
// Of values that are written down together.
constexpr std::size_t kValueBytesAtOnce = std::size_t{64} << 10;

constexpr std::string_view kHoldList = "hold the list of";

}  // namespace

SystemError list_too_long(std::string key) { return {kHoldList, ENOMEM, std::move(key)}; }
bool is_list_too_long(const SystemError& error) { return error.call == kHoldList; }

MergedGroup::MergedGroup(std::span<const AggregateKind> kinds, std::size_t memory_bytes,
                         std::size_t most_of_list, std::string directory)
    : most_of_list_(most_of_list), directory_(std::move(directory)) {
  std::size_t of_values = 0;
  for (const AggregateKind kind : kinds) {
    parts_.push_back({.kind = kind, .states = Aggregate::make(kind)});
    of_values += has_small_states(kind) ? 0U : 1U;
  }
  bytes_of_part_ =
      std::max(memory_bytes / kGrowth / std::max<std::size_t>(of_values, 1), kLeastValueTable);
}

void MergedGroup::begin(std::string_view key) {
  key_ = key;
  for (Part& part : parts_) {
    part.states->begin_one();
    part.spilled.reset();
    part.list_bytes = 0;
  }
}

std::optional<SystemError> MergedGroup::merge_state(std::size_t aggregate, std::string_view state) {
  Part& part = parts_[aggregate];
  if (part.spilled) return add_values(part, state);
  part.states->merge_state(0, state);
  if (part.kind == AggregateKind::kList) {
    while (!state.empty()) part.list_bytes += take_stored_value(&state).size() + 1;
    if (part.list_bytes > most_of_list_) return list_too_long(key_);
  }
  if (part.kind == AggregateKind::kDistinct && part.states->memory_bytes() > bytes_of_part_) {
    return spill(part);
  }
  return std::nullopt;
}

std::optional<SystemError> MergedGroup::spill(Part& part) {
  part.spilled = std::make_unique<SortedRuns>(
      SortOrder(SortOrder::Compare::kBytes, SortOrder::Direction::kAscending),
      SortedRuns::limits_for(bytes_of_part_), directory_, [] { return false; });
  part.states->group_states();
  std::string values;
  for (std::size_t next = 0;;) {
    values.clear();
    next = part.states->append_state(0, next, kValueBytesAtOnce, &values);
    if (auto failed = add_values(part, values)) return failed;
    if (next == 0) break;
  }
  part.states->begin_one();
  return std::nullopt;
}

std::optional<SystemError> MergedGroup::add_values(Part& part, std::string_view state) {
  while (!state.empty()) {
    const std::string_view value = take_stored_value(&state);
    if (auto failed = part.spilled->add(Item{.text = value}, value)) return failed;
  }
  return std::nullopt;
}

std::optional<SystemError> MergedGroup::count_spilled(Part& part) {
  part.different = 0;
  std::string last;
  return part.spilled->for_each([&part, &last](RecordRef record) {
    const std::string_view value = key_of_record(record);
    if (part.different == 0 || value != last) {
      ++part.different;
      last = value;
    }
    return Flow::kMore;
  });
}

std::optional<SystemError> MergedGroup::finish() {
  for (Part& part : parts_) {
    if (part.spilled) {
      if (auto failed = count_spilled(part)) return failed;
    } else {
      part.states->finish();
    }
  }
  return std::nullopt;
}

void MergedGroup::append_result(std::size_t aggregate, std::string* out) const {
  const Part& part = parts_[aggregate];
  if (part.spilled) {
    *out += std::to_string(part.different);
  } else {
    part.states->append_result(0, ",", out);
  }
}

}  // namespace gorun::jobs
