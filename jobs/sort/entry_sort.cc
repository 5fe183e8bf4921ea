#include "jobs/sort/entry_sort.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/goroutines.h"
#include "runtime/runtime.h"

namespace gorun::jobs {
namespace {

// Fewer are sorted by the one who asks: to deal them out would cost as much.
constexpr std::size_t kLeastDealt = std::size_t{1} << 14;
// Buckets of some thousand entries fit the second-level cache with their copies.
constexpr std::size_t kMostSplitters = 255;
constexpr std::size_t kSamplesPerSplitter = 16;
// So few are sorted by insertion.
constexpr std::size_t kFew = 16;
// The record that is looked at this many entries later is on its way.
constexpr std::size_t kKeysAhead = 8;

using Entries = std::span<SortEntry>;

bool is_less(const SortEntry& a, const SortEntry& b) { return a.prefix < b.prefix; }

struct KeyLess {
  const SortOrder& order;
  bool operator()(const SortEntry& a, const SortEntry& b) const {
    return order.compare(key_of_record(a.record), key_of_record(b.record)) < 0;
  }
};

template <class Less>
void insertion_sort(Entries entries, Less less) {
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const SortEntry entry = entries[i];
    std::size_t at = i;
    for (; at > 0 && less(entry, entries[at - 1]); --at) entries[at] = entries[at - 1];
    entries[at] = entry;
  }
}

// Of equal entries those of `left` come first.
template <class Less>
void merge(Entries left, Entries right, SortEntry* to, Less less) {
  const SortEntry* a = left.data();
  const SortEntry* b = right.data();
  const SortEntry* const a_end = a + left.size();
  const SortEntry* const b_end = b + right.size();
  while (a != a_end && b != b_end) {
    const auto takes_b = static_cast<std::ptrdiff_t>(less(*b, *a));
    *to++ = *(takes_b != 0 ? b : a);
    a += 1 - takes_b;
    b += takes_b;
  }
  to = std::copy(a, a_end, to);
  std::copy(b, b_end, to);
}

enum class Into { kFrom, kOther };

// Sorts `from`, with `other` as scratch, into either of them.
template <class Less>
void merge_sort(Entries from, Entries other, Into into, Less less) {
  if (from.size() <= kFew) {
    insertion_sort(from, less);
    if (into == Into::kOther) std::ranges::copy(from, other.begin());
    return;
  }
  const std::size_t half = from.size() / 2;
  const Into halves = into == Into::kFrom ? Into::kOther : Into::kFrom;
  merge_sort(from.first(half), other.first(half), halves, less);
  merge_sort(from.subspan(half), other.subspan(half), halves, less);
  const Entries source = into == Into::kFrom ? other : from;
  merge(source.first(half), source.subspan(half), (into == Into::kFrom ? from : other).data(),
        less);
}

// The prefixes are of the bytes of the keys from `depth` on, and there may be so many steps deeper:
// each takes some of the stack.
struct Level {
  std::size_t depth = 0;
  int steps_left = 64;
};

class EntrySorter {
 public:
  EntrySorter(const SortOrder& order, std::size_t entries) : order_(order) {
    if (entries >= kLeastDealt) {
      helpers_ = static_cast<std::size_t>(runtime::procs());
      buckets_of_.resize(entries);
    }
  }

  // Sorts `entries`, whose prefixes are of `level`.
  void sort(Entries entries, Entries scratch, Level level) {
    if (entries.size() < kLeastDealt) return sort_bucket(entries, scratch, Into::kFrom, level);
    std::vector<Bucket> buckets = deal(entries, scratch);
    const auto is_large = [&](const Bucket& bucket) {
      return bucket.is_of_one_prefix && bucket.size >= kLeastDealt &&
             bucket.size > entries.size() / (2 * helpers_);
    };
    const auto first_of_rest = std::partition(buckets.begin(), buckets.end(), is_large);
    const std::span rest(first_of_rest, buckets.end());
    // The smallest are taken last, so that all come to their end at about the same time.
    std::sort(rest.begin(), rest.end(),
              [](const Bucket& a, const Bucket& b) { return a.size > b.size; });
    for (const Bucket& bucket : std::span(buckets).first(buckets.size() - rest.size())) {
      const Entries mine = entries.subspan(bucket.begin, bucket.size);
      const Entries other = scratch.subspan(bucket.begin, bucket.size);
      std::ranges::copy(other, mine.begin());
      sort_alike(mine, other, level,
                 [this](Entries deeper, Entries spare, Level at) { sort(deeper, spare, at); });
    }
    std::atomic<std::size_t> next{0};
    on_goroutines(helpers_, [&](std::size_t /*helper*/) {
      for (;;) {
        // Relaxed: the wait group orders what it leads to.
        const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
        if (i >= rest.size()) return;
        const Bucket& bucket = rest[i];
        sort_bucket(scratch.subspan(bucket.begin, bucket.size),
                    entries.subspan(bucket.begin, bucket.size), Into::kOther, level);
      }
    });
  }

 private:
  struct Bucket {
    std::size_t begin = 0;
    std::size_t size = 0;
    bool is_of_one_prefix = false;
  };

  [[nodiscard]] static Entries part_of(Entries entries, std::size_t part, std::size_t parts) {
    const std::size_t begin = entries.size() * part / parts;
    return entries.subspan(begin, entries.size() * (part + 1) / parts - begin);
  }

  // Copies the entries to `to`, bucket by bucket, in their order within each.
  std::vector<Bucket> deal(Entries entries, Entries to) {
    std::array<std::uint64_t, kMostSplitters> storage;
    const std::span<const std::uint64_t> splitters = choose_splitters(entries, storage);
    // Below the first splitter, it, between it and the second, ...
    const std::size_t count = 2 * splitters.size() + 1;
    std::vector<std::vector<std::size_t>> places(helpers_, std::vector<std::size_t>(count));
    on_goroutines(helpers_, [&](std::size_t helper) {
      const Entries part = part_of(entries, helper, helpers_);
      std::uint16_t* bucket_of =
          &buckets_of_[static_cast<std::size_t>(part.data() - entries.data())];
      for (const SortEntry& entry : part) {
        const std::size_t bucket = bucket_in(splitters, entry.prefix);
        *bucket_of++ = static_cast<std::uint16_t>(bucket);
        ++places[helper][bucket];
      }
    });
    std::vector<Bucket> buckets;
    std::size_t at = 0;
    for (std::size_t b = 0; b < count; ++b) {
      const std::size_t begin = at;
      for (std::vector<std::size_t>& of_helper : places) {
        at += std::exchange(of_helper[b], at);
      }
      if (at > begin) buckets.push_back({begin, at - begin, b % 2 == 1});
    }
    on_goroutines(helpers_, [&](std::size_t helper) {
      const Entries part = part_of(entries, helper, helpers_);
      const std::uint16_t* bucket_of =
          &buckets_of_[static_cast<std::size_t>(part.data() - entries.data())];
      for (const SortEntry& entry : part) to[places[helper][*bucket_of++]++] = entry;
    });
    return buckets;
  }

  // Rising, no two alike.
  static std::span<const std::uint64_t> choose_splitters(
      Entries entries, std::array<std::uint64_t, kMostSplitters>& to) {
    std::vector<std::uint64_t> samples;
    const std::size_t step = entries.size() / (kMostSplitters * kSamplesPerSplitter) + 1;
    for (std::size_t i = step / 2; i < entries.size(); i += step) {
      samples.push_back(entries[i].prefix);
    }
    std::ranges::sort(samples);
    std::size_t count = 0;
    for (std::size_t i = 1; i <= kMostSplitters; ++i) {
      const std::uint64_t splitter = samples[(samples.size() - 1) * i / (kMostSplitters + 1)];
      if (count == 0 || to[count - 1] != splitter) to[count++] = splitter;
    }
    return std::span(to).first(count);
  }

  // Without a branch that depends on the prefix.
  static std::size_t bucket_in(std::span<const std::uint64_t> splitters, std::uint64_t prefix) {
    const std::uint64_t* first = splitters.data();
    for (std::size_t left = splitters.size(); left > 1;) {
      const std::size_t half = left / 2;
      first += first[half - 1] < prefix ? half : 0;
      left -= half;
    }
    const auto below = static_cast<std::size_t>(first - splitters.data()) +
                       static_cast<std::size_t>(*first < prefix);
    const bool is_one = below < splitters.size() && splitters[below] == prefix;
    return 2 * below + static_cast<std::size_t>(is_one);
  }

  void sort_bucket(Entries from, Entries other, Into into, Level level) const {
    merge_sort(from, other, into, is_less);
    const Entries sorted = into == Into::kFrom ? from : other;
    const Entries scratch = into == Into::kFrom ? other : from;
    for (std::size_t begin = 0; begin < sorted.size();) {
      std::size_t end = begin + 1;
      while (end < sorted.size() && sorted[end].prefix == sorted[begin].prefix) ++end;
      if (const std::size_t alike = end - begin; alike > 1) {
        sort_alike(sorted.subspan(begin, alike), scratch.subspan(begin, alike), level,
                   [this](Entries deeper, Entries spare, Level at) {
                     sort_bucket(deeper, spare, Into::kFrom, at);
                   });
      }
      begin = end;
    }
  }

  // Entries of one prefix; `sort_deeper` does for those that were given another one.
  template <class SortDeeper>
  void sort_alike(Entries entries, Entries scratch, Level level, SortDeeper sort_deeper) const {
    if (entries.size() <= kFew) return insertion_sort(entries, KeyLess{order_});
    const std::uint64_t prefix = entries.front().prefix;
    switch (deepen(entries, &level)) {
      case Deeper::kAllSame:
        return;
      case Deeper::kCompare:
        return merge_sort(entries, scratch, Into::kFrom, KeyLess{order_});
      case Deeper::kDeeper:
        sort_deeper(entries, scratch, level);
        for (SortEntry& entry : entries) entry.prefix = prefix;
    }
  }

  enum class Deeper { kAllSame, kCompare, kDeeper };

  // Gives entries of one prefix another one, of what comes behind that which all keys begin with.
  [[nodiscard]] Deeper deepen(Entries entries, Level* level) const {
    const std::string_view first = key_of_record(entries.front().record);
    std::size_t common = first.size();
    std::size_t longest = 0;
    for_each_key(entries, [&](SortEntry& /*entry*/, std::string_view key) {
      longest = std::max(longest, key.size());
      const std::size_t most = std::min(common, key.size());
      // Mostly all of it.
      if (key.substr(0, most) == first.substr(0, most)) {
        common = most;
      } else {
        common = static_cast<std::size_t>(std::ranges::mismatch(key, first.substr(0, most)).in1 -
                                          key.begin());
      }
    });
    if (common == longest) return Deeper::kAllSame;
    // A key that ends within the prefix is told from one with NUL bytes there by their lengths.
    const bool may_go_on = order_.compares_bytes() && level->steps_left > 0 &&
                           common >= level->depth + sizeof(std::uint64_t);
    if (!may_go_on) return Deeper::kCompare;
    *level = {common, level->steps_left - 1};
    for_each_key(entries, [&](SortEntry& entry, std::string_view key) {
      entry.prefix = order_.prefix(key.substr(common));
    });
    return Deeper::kDeeper;
  }

  template <class Visit>
  static void for_each_key(Entries entries, Visit visit) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i + kKeysAhead < entries.size()) prefetch_record(entries[i + kKeysAhead].record);
      visit(entries[i], key_of_record(entries[i].record));
    }
  }

  const SortOrder& order_;
  std::size_t helpers_ = 1;
  std::vector<std::uint16_t> buckets_of_;  // of the entries that are dealt
};

}  // namespace

void sort_entries(std::span<SortEntry> entries, std::span<SortEntry> scratch,
                  const SortOrder& order) {
  EntrySorter(order, entries.size()).sort(entries, scratch, {});
}

}  // namespace gorun::jobs
