#include "jobs/sort/entry_sort.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/goroutines.h"
#include "jobs/large_memory.h"
#include "jobs/sort/bin_sort.h"
#include "jobs/sort/merge_sort.h"
#include "jobs/sort/splitters.h"
#include "runtime/runtime.h"

namespace gorun::jobs {
namespace {

// Fewer are sorted by the one who asks: to deal them out would cost as much.
constexpr std::size_t kLeastDealt = std::size_t{1} << 14;
constexpr std::size_t kSamplesPerSplitter = 16;
// The record that is looked at this many entries later is on its way.
constexpr std::size_t kKeysAhead = 8;

struct KeyLess {
  const SortOrder& order;
  bool operator()(const SortEntry& a, const SortEntry& b) const {
    return order.compare(key_of_record(a.record), key_of_record(b.record)) < 0;
  }
};

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
      buckets_of_ = make_large_array<std::uint16_t>(entries);
    }
  }

  // Sorts `entries`, whose prefixes are of `level`.
  void sort(Entries entries, Entries scratch, Level level) {
    if (entries.size() < kLeastDealt) {
      BinSort bins;
      return sort_bucket(entries, scratch, Into::kFrom, level, bins);
    }
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
      BinSort bins;
      for (;;) {
        // Relaxed: the wait group orders what it leads to.
        const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
        if (i >= rest.size()) return;
        const Bucket& bucket = rest[i];
        sort_bucket(scratch.subspan(bucket.begin, bucket.size),
                    entries.subspan(bucket.begin, bucket.size), Into::kOther, level, bins);
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
    const Splitters splitters = choose_splitters(entries);
    std::vector<std::vector<std::size_t>> places(helpers_,
                                                 std::vector<std::size_t>(splitters.buckets()));
    on_goroutines(helpers_, [&](std::size_t helper) {
      const Entries part = part_of(entries, helper, helpers_);
      splitters.classify(part, bucket_of(entries, part), places[helper]);
    });
    std::vector<Bucket> buckets;
    std::size_t at = 0;
    for (std::size_t b = 0; b < splitters.buckets(); ++b) {
      const std::size_t begin = at;
      for (std::vector<std::size_t>& of_helper : places) {
        at += std::exchange(of_helper[b], at);
      }
      if (at > begin) buckets.push_back({begin, at - begin, b % 2 == 1});
    }
    on_goroutines(helpers_, [&](std::size_t helper) {
      const Entries part = part_of(entries, helper, helpers_);
      const std::uint16_t* bucket = bucket_of(entries, part);
      std::size_t* const place = places[helper].data();
      for (const SortEntry& entry : part) to[place[*bucket++]++] = entry;
    });
    return buckets;
  }

  [[nodiscard]] std::uint16_t* bucket_of(Entries entries, Entries part) const {
    return buckets_of_.get() + (part.data() - entries.data());
  }

  static Splitters choose_splitters(Entries entries) {
    std::vector<std::uint64_t> samples;
    const std::size_t step = entries.size() / (Splitters::kMost * kSamplesPerSplitter) + 1;
    for (std::size_t i = step / 2; i < entries.size(); i += step) {
      samples.push_back(entries[i].prefix);
    }
    std::ranges::sort(samples);
    return Splitters(samples);
  }

  void sort_bucket(Entries from, Entries other, Into into, Level level, BinSort& bins) const {
    bins.sort(from, other, into);
    const Entries sorted = into == Into::kFrom ? from : other;
    const Entries scratch = into == Into::kFrom ? other : from;
    for (std::size_t begin = 0; begin < sorted.size();) {
      std::size_t end = begin + 1;
      while (end < sorted.size() && sorted[end].prefix == sorted[begin].prefix) ++end;
      if (const std::size_t alike = end - begin; alike > 1) {
        sort_alike(sorted.subspan(begin, alike), scratch.subspan(begin, alike), level,
                   [&](Entries deeper, Entries spare, Level at) {
                     sort_bucket(deeper, spare, Into::kFrom, at, bins);
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
  LargeArray<std::uint16_t> buckets_of_;  // of the entries that are dealt
};

}  // namespace

void sort_entries(std::span<SortEntry> entries, std::span<SortEntry> scratch,
                  const SortOrder& order) {
  EntrySorter(order, entries.size()).sort(entries, scratch, {});
}

}  // namespace gorun::jobs
