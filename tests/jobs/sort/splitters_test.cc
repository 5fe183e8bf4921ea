// tests/jobs/sort/splitters_test.cc - every prefix finds its bucket.

#include "jobs/sort/splitters.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace gorun::test::splitters_test {

namespace {

using namespace gorun::jobs;

constexpr std::uint64_t kGreatest = std::numeric_limits<std::uint64_t>::max();

// As many as there are splitters at most: each sample is one.
void check(const std::vector<std::uint64_t>& samples) {
  std::vector<std::uint64_t> rising = samples;
  rising.erase(std::unique(rising.begin(), rising.end()), rising.end());
  const Splitters splitters(samples);
  REQUIRE(splitters.buckets() <= 2 * rising.size() + 1);
  std::vector<SortEntry> entries;
  for (const std::uint64_t prefix : rising) {
    for (const std::uint64_t near : {prefix - 1, prefix, prefix + 1}) {
      entries.push_back({near, nullptr});
    }
  }
  for (const std::uint64_t prefix : {std::uint64_t{0}, kGreatest}) {
    entries.push_back({prefix, nullptr});
  }
  std::ranges::sort(entries, {}, &SortEntry::prefix);
  std::vector<std::uint16_t> buckets(entries.size());
  std::vector<std::size_t> counts(splitters.buckets());
  splitters.classify(entries, buckets.data(), counts);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    REQUIRE(buckets[i] < splitters.buckets());
    CHECK(counts[buckets[i]] == static_cast<std::size_t>(std::ranges::count(buckets, buckets[i])));
    if (i == 0) continue;
    CHECK(buckets[i - 1] <= buckets[i]);
    if (buckets[i - 1] != buckets[i]) continue;
    // What is in an odd bucket is alike.
    if (buckets[i] % 2 == 1) CHECK(entries[i - 1].prefix == entries[i].prefix);
  }
}

}  // namespace

TEST_SUITE_BEGIN("jobs/sort/splitters");

TEST_CASE("buckets are in the order of the prefixes, and odd ones are of one prefix") {
  check({0});
  check({7});
  check({kGreatest});
  check({0, kGreatest});
  check({5, 5, 5, 9});
  std::vector<std::uint64_t> many;
  for (std::uint64_t i = 0; i < 5000; ++i) many.push_back(i * i * 3);
  check(many);
  many.resize(Splitters::kMost);
  check(many);
}

TEST_SUITE_END();

}  // namespace gorun::test::splitters_test
