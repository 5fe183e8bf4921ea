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

/// The candidate that a typist of `typed` most likely meant: the nearest within a third of its
/// length (at least 1, at most 3 edits), the first of equals. Upper and lower case are one edit
/// apart in all, however many letters differ. Nothing if none is near.
[[nodiscard]] std::optional<std::string_view> closest(std::string_view typed,
                                                      std::span<const std::string_view> candidates);

/// `did you mean "x"?` for the closest candidate, empty if there is none.
[[nodiscard]] std::string did_you_mean(std::string_view typed,
                                       std::span<const std::string_view> candidates);

}  // namespace gorun::jobs
