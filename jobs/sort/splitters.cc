#include "jobs/sort/splitters.h"

namespace gorun::jobs {

Splitters::Splitters(std::span<const std::uint64_t> sorted_samples) {
  rising_.fill(kNone);
  for (std::size_t i = 1; i <= kMost; ++i) {
    const std::uint64_t splitter = sorted_samples[(sorted_samples.size() - 1) * i / (kMost + 1)];
    if (count_ == 0 || rising_[count_ - 1] != splitter) rising_[count_++] = splitter;
  }
  plant(1, 0, kMost);
}

void Splitters::classify(Entries entries, std::uint16_t* buckets,
                         std::span<std::size_t> counts) const {
  constexpr std::size_t kAtOnce = 8;
  std::size_t i = 0;
  for (; i + kAtOnce <= entries.size(); i += kAtOnce) {
    std::array<std::size_t, kAtOnce> nodes;
    nodes.fill(1);
    for (int level = 0; level < kLevels; ++level) {
      for (std::size_t k = 0; k < kAtOnce; ++k) nodes[k] = next(nodes[k], entries[i + k].prefix);
    }
    for (std::size_t k = 0; k < kAtOnce; ++k) {
      const std::size_t bucket = bucket_at(nodes[k], entries[i + k].prefix);
      buckets[i + k] = static_cast<std::uint16_t>(bucket);
      ++counts[bucket];
    }
  }
  for (; i < entries.size(); ++i) {
    std::size_t node = 1;
    for (int level = 0; level < kLevels; ++level) node = next(node, entries[i].prefix);
    const std::size_t bucket = bucket_at(node, entries[i].prefix);
    buckets[i] = static_cast<std::uint16_t>(bucket);
    ++counts[bucket];
  }
}

void Splitters::plant(std::size_t node, std::size_t first, std::size_t count) {
  if (count == 0) return;
  const std::size_t half = count / 2;
  tree_[node] = rising_[first + half];
  plant(2 * node, first, half);
  plant(2 * node + 1, first + half + 1, half);
}

}  // namespace gorun::jobs
