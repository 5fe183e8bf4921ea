// jobs/near_names.h - "did you mean" of many names, for many questions.
//
// closest() compares what was typed with each name: a hundred million comparisons where a file has
// 10,000 names and misspells each of them. Here
//
//   - the names of one length lie sorted, so that those with a common beginning are neighbours: a
//     trie without nodes. A row of the table of edit_distance() is computed once for a beginning,
//     as far as the limit reaches; the beginning is given up when what its row has cost, and what
//     the rest of the lengths will, is more than the limit.
//   - One edit is looked for first, then two, then three: a near name is found before all that are
//     but similar have been looked at.
//   - Of three edits, no more than one is in the first half of the name, or no more than one in the
//     second. So names are searched from their beginnings and from their ends, each time with few
//     edits in the half that comes first, where most branches are then given up early. The halves
//     are those of what differs: names such as "stage-123" begin alike.
//
// Not chosen: an index of what the names are without one, two and three of their bytes. It answers
// at once, but has a thousand entries for a name of 20 bytes.
// Prior art: Mihov and Schulz, "Fast approximate search in large dictionaries", 2004.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gorun::jobs {

/// Names for those who mistype them. Immutable; safe to use from any thread.
class NearNames {
 public:
  /// Keeps the views.
  explicit NearNames(std::span<const std::string_view> names);
  NearNames(const NearNames&) = delete;  // backward_ looks into mirrors_
  NearNames& operator=(const NearNames&) = delete;

  /// closest(typed, names) of jobs/edit_distance.h.
  [[nodiscard]] std::optional<std::string_view> closest(std::string_view typed) const;

 private:
  struct Name {
    std::string_view text;
    std::size_t place;  // among the names as they were given
  };
  class Search;
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  // The first place of a name of that length within `limit` edits, where none is within fewer.
  [[nodiscard]] std::size_t find(std::string_view typed, std::size_t limit,
                                 std::size_t length) const;

  std::vector<std::string_view> given_;
  std::vector<std::string> mirrors_;  // of the names, their bytes backward
  std::vector<Name> forward_;         // by length, then text, then place
  std::vector<Name> backward_;        // the mirrors, likewise
  std::unordered_map<std::string, std::size_t> by_lower_case_;  // the first place of such a name
};

}  // namespace gorun::jobs
