// jobs/edit_distance.h - "did you mean".
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gorun::jobs {

/// The optimal string alignment distance: insertions, deletions, replacements and swaps of
/// neighbours that turn `a` into `b`, in bytes; `limit + 1` as soon as it is more than `limit`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

/// How many edits away from `typed` a name may be that was meant: a third of its length, at least 1
/// and at most kMostNearEdits.
inline constexpr std::size_t kMostNearEdits = 3;
[[nodiscard]] std::size_t near_edits(std::string_view typed);

/// The candidate that a typist of `typed` most likely meant: the nearest within near_edits(), the
/// first of equals. Upper and lower case are one edit apart in all, however many letters differ.
/// Nothing if none is near. For many questions about many candidates: jobs/near_names.h.
[[nodiscard]] std::optional<std::string_view> closest(std::string_view typed,
                                                      std::span<const std::string_view> candidates);

/// `did you mean "x"?` for the closest candidate, empty if there is none.
[[nodiscard]] std::string did_you_mean(std::string_view typed,
                                       std::span<const std::string_view> candidates);
/// The same for what closest() has found.
[[nodiscard]] std::string did_you_mean(std::optional<std::string_view> meant);

}  // namespace gorun::jobs
