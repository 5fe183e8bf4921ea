#include "jobs/sort/bin_sort.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <span>
#include <utility>

namespace gorun::jobs {
namespace {

// So few are merged faster.
constexpr std::size_t kFewForBins = 64;

struct PrefixRange {
  std::uint64_t least;
  std::uint64_t greatest;
};

struct LargeBin {
  std::uint32_t begin;
  std::uint32_t size;
};

template <class Entry>
PrefixRange range_of_prefixes(std::span<Entry> entries) {
  PrefixRange range{entries.front().prefix, entries.front().prefix};
  for (const Entry& entry : entries) {
    range.least = std::min(range.least, entry.prefix);
    range.greatest = std::max(range.greatest, entry.prefix);
  }
  return range;
}

int width_of(std::uint64_t value) { return 64 - std::countl_zero(value); }

// No function: a pointer to one would be called for each pair.
struct LessPrefix {
  template <class Entry>
  bool operator()(const Entry& a, const Entry& b) const {
    return a.prefix < b.prefix;
  }
};

}  // namespace

template <class Entry>
void BinSortOf<Entry>::sort(Entries from, Entries other, Into into) {
  if (from.size() <= kFewForBins || from.size() > std::numeric_limits<std::uint32_t>::max()) {
    return merge_sort(from, other, into, LessPrefix());
  }
  const auto [least, greatest] = range_of_prefixes(from);
  if (least == greatest) {
    if (into == Into::kOther) std::ranges::copy(from, other.begin());
    return;
  }
  const int range_bits = width_of(greatest - least);
  const int bin_bits = std::min({range_bits, kMostBinBits, width_of(from.size()) - 3});
  const int shift = range_bits - bin_bits;
  const auto bin_of = [lowest = least, shift](const Entry& entry) {
    return static_cast<std::size_t>((entry.prefix - lowest) >> shift);
  };
  const std::size_t bins = std::size_t{1} << bin_bits;
  ends_.assign(bins, 0U);
  for (const Entry& entry : from) ++ends_[bin_of(entry)];
  std::uint32_t at = 0;
  std::vector<LargeBin> large;  // set aside, for to sort them writes over ends_
  for (std::uint32_t& end : ends_) {
    const std::uint32_t size = end;
    if (size > kFew && shift > 0) large.push_back({at, size});
    end = std::exchange(at, at + size);
  }
  for (const Entry& entry : from) other[ends_[bin_of(entry)]++] = entry;
  for (const LargeBin& bin : large) {
    sort(other.subspan(bin.begin, bin.size), from.subspan(bin.begin, bin.size), Into::kFrom);
  }
  // An entry moves within its bin only.
  if (shift > 0) insertion_sort(other, LessPrefix());
  if (into == Into::kFrom) std::ranges::copy(other, from.begin());
}

template class BinSortOf<SortEntry>;
template class BinSortOf<NumberedEntry>;

}  // namespace gorun::jobs
