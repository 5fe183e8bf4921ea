#include "jobs/edit_distance.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

std::size_t length_difference(std::string_view a, std::string_view b) {
  return a.size() < b.size() ? b.size() - a.size() : a.size() - b.size();
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_equal_but_for_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (length_difference(a, b) > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1);  // row i - 2
  std::vector<std::size_t> above(b.size() + 1);   // row i - 1
  std::vector<std::size_t> row(b.size() + 1);     // row i
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    std::size_t least = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
      least = std::min(least, row[j]);
    }
    // A swap looks two rows back, so one row over the limit is not yet the end.
    if (least > limit + 1) return limit + 1;
    std::swap(before, above);
    std::swap(above, row);
  }
  return std::min(above[b.size()], limit + 1);
}

std::size_t near_edits(std::string_view typed) {
  return std::clamp<std::size_t>(typed.size() / 3, 1, kMostNearEdits);
}

std::optional<std::string_view> closest(std::string_view typed,
                                        std::span<const std::string_view> candidates) {
  std::size_t limit = near_edits(typed);
  std::optional<std::string_view> best;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty()) continue;
    const std::size_t distance =
        is_equal_but_for_case(typed, candidate) ? 1 : edit_distance(typed, candidate, limit);
    // A name that shares no letter with what was typed helps nobody.
    if (distance > limit || distance >= typed.size() || (best && distance == limit)) continue;
    best = candidate;
    limit = distance;
    if (limit == 0) break;
  }
  return best;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string_view> candidates) {
  return did_you_mean(closest(typed, candidates));
}

std::string did_you_mean(std::optional<std::string_view> meant) {
  return meant ? "did you mean " + quote(*meant) + "?" : "";
}

}  // namespace gorun::jobs
