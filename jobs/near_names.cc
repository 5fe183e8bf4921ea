#include "jobs/near_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <tuple>

#include "jobs/edit_distance.h"

namespace gorun::jobs {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string reversed(std::string_view text) { return {text.rbegin(), text.rend()}; }

std::size_t common_beginning(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

// The names of one length within `limits.all` edits of `typed`, no more than `limits.half` of them
// in the first `half` bytes.
class NearNames::Search {
 public:
  struct Limits {
    std::size_t all;
    std::size_t half;
  };

  Search(std::string_view typed, Limits limits, std::size_t half, std::span<const Name> names)
      : typed_(typed),
        limits_(limits),
        half_(half),
        names_(names),
        length_(names.front().text.size()),
        last_cell_(typed.size() + limits.all - length_),
        rows_(length_ + 1) {}

  // The first of them.
  std::size_t run() {
    rows_[0].fill(kFar);
    for (std::size_t edits = 0; edits <= limits_.all; ++edits) {
      rows_[0][limits_.all + edits] = static_cast<std::uint8_t>(edits);
    }
    std::size_t first = kNowhere;
    branches_.push_back({0, names_.size(), 0});
    while (!branches_.empty()) {
      const Branch branch = branches_.back();
      branches_.pop_back();
      const Name& name = names_[branch.begin];
      if (branch.depth > 0 && !add_row(name.text, branch.depth)) continue;
      if (branch.depth < length_) {
        branch_out(branch);
      } else {
        first = std::min(first, name.place);
      }
    }
    return first;
  }

 private:
  // Cell c of row d is the distance of the first d bytes of a name and the first d + c - limits.all
  // of what was typed; kFar: more than the limit, or there are no such bytes.
  static constexpr std::size_t kCells = 2 * kMostNearEdits + 1;
  static constexpr std::uint8_t kFar = 0x7f;
  using Row = std::array<std::uint8_t, kCells + 1>;

  // Names that have their first `depth` bytes in common. The rows of the bytes before the last are
  // there: of the branches that wait, the last one is the deepest.
  struct Branch {
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
  };

  // False: no name that begins so is within the limits.
  bool add_row(std::string_view name, std::size_t depth) {
    const std::size_t all = limits_.all;
    // What leads into the row between the halves is of the first, what goes on in it of the second.
    const std::size_t limit_into = depth <= half_ ? limits_.half : all;
    const std::size_t limit = depth < half_ ? limits_.half : all;
    const Row& above = rows_[depth - 1];
    Row& row = rows_[depth];
    row.fill(kFar);
    const char byte = name[depth - 1];
    bool is_near = false;
    const std::size_t end = std::min(2 * all, typed_.size() + all - depth);
    for (std::size_t cell = depth < all ? all - depth : 0; cell <= end; ++cell) {
      const std::size_t taken = depth + cell - all;  // bytes of what was typed
      std::size_t least = above[cell + 1] + std::size_t{1};
      if (taken > 0) {
        least = std::min<std::size_t>(least, above[cell] + (byte == typed_[taken - 1] ? 0U : 1U));
      }
      if (depth > 1 && taken > 1 && byte == typed_[taken - 2] &&
          name[depth - 2] == typed_[taken - 1]) {
        least = std::min(least, rows_[depth - 2][cell] + std::size_t{1});
      }
      if (least > limit_into) least = kFar;
      if (cell > 0) least = std::min(least, row[cell - 1] + std::size_t{1});
      if (depth == half_ && depth < length_ && above[cell] != kFar && taken < typed_.size() &&
          byte == typed_[taken]) {
        is_near = true;  // two bytes may be swapped just here, which passes over this row
      }
      if (least > limit) continue;
      row[cell] = static_cast<std::uint8_t>(least);
      const std::size_t to_go = cell < last_cell_ ? last_cell_ - cell : cell - last_cell_;
      is_near = is_near || least + to_go <= all;
    }
    return is_near;
  }

  void branch_out(const Branch& branch) {
    const std::size_t at = branch.depth;
    for (std::size_t begin = branch.begin; begin < branch.end;) {
      const char byte = names_[begin].text[at];
      std::size_t end = branch.end;
      if (names_[end - 1].text[at] != byte) {
        const auto rest = names_.subspan(begin, end - begin);
        const auto is_with = [&](const Name& name) { return name.text[at] == byte; };
        end = begin +
              static_cast<std::size_t>(std::ranges::partition_point(rest, is_with) - rest.begin());
      }
      branches_.push_back({begin, end, at + 1});
      begin = end;
    }
  }

  const std::string_view typed_;
  const Limits limits_;
  const std::size_t half_;
  const std::span<const Name> names_;
  const std::size_t length_;     // of each name
  const std::size_t last_cell_;  // in which the last row has the distance of the whole
  std::vector<Row> rows_;        // by depth
  std::vector<Branch> branches_;
};

NearNames::NearNames(std::span<const std::string_view> names) : given_(names.begin(), names.end()) {
  mirrors_.reserve(names.size());  // views of them are kept
  for (std::size_t place = 0; place < given_.size(); ++place) {
    const std::string_view name = given_[place];
    by_lower_case_.try_emplace(lower_case(name), place);
    forward_.push_back({name, place});
    backward_.push_back({mirrors_.emplace_back(reversed(name)), place});
  }
  for (std::vector<Name>* sorted : {&forward_, &backward_}) {
    std::ranges::sort(*sorted, {}, [](const Name& name) {
      return std::tuple(name.text.size(), name.text, name.place);
    });
  }
}

std::size_t NearNames::find(std::string_view typed, std::size_t limit, std::size_t length) const {
  const auto size_of = [](const Name& name) { return name.text.size(); };
  const auto begin = std::ranges::lower_bound(forward_, length, {}, size_of);
  const auto end = std::ranges::upper_bound(forward_, length, {}, size_of);
  if (begin == end) return kNowhere;
  const std::span<const Name> names(begin, end);
  const auto mirrored = std::span<const Name>(backward_).subspan(
      static_cast<std::size_t>(begin - forward_.begin()), names.size());
  // What all have in common is no place to part them.
  const std::size_t prefix = common_beginning(names.front().text, names.back().text);
  const std::size_t suffix = common_beginning(mirrored.front().text, mirrored.back().text);
  const std::size_t half = prefix + suffix < length ? (length + prefix - suffix) / 2 : length / 2;
  const std::size_t less = (limit - 1) / 2;
  const std::string mirror = reversed(typed);
  return std::min(
      Search(typed, {.all = limit, .half = less}, half, names).run(),
      Search(mirror, {.all = limit, .half = limit - 1 - less}, length - half, mirrored).run());
}

std::optional<std::string_view> NearNames::closest(std::string_view typed) const {
  if (typed.size() < 2) return std::nullopt;  // one edit away, a name has nothing of it
  const auto same = by_lower_case_.find(lower_case(typed));
  std::size_t first = same == by_lower_case_.end() ? kNowhere : same->second;
  for (std::size_t limit = 1; limit <= near_edits(typed); ++limit) {
    for (std::size_t length = typed.size() - limit; length <= typed.size() + limit; ++length) {
      first = std::min(first, find(typed, limit, length));
    }
    if (first != kNowhere) return given_[first];
  }
  return std::nullopt;
}

}  // namespace gorun::jobs
