// tests/jobs/sort/bin_sort_test.cc - a stable order, however the prefixes lie.

#include "jobs/sort/bin_sort.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace gorun::test::bin_sort_test {

namespace {

using namespace gorun::jobs;

using MakePrefix = std::uint64_t (*)(std::mt19937_64& random);

struct Kind {
  const char* name;
  MakePrefix make;
};

const Kind kKinds[] = {
    {"all of them", [](std::mt19937_64& random) { return random(); }},
    {"few values", [](std::mt19937_64& random) { return random() % 3; }},
    {"neighbours", [](std::mt19937_64& random) { return 1'000'000 + random() % 2000; }},
    {"one value", [](std::mt19937_64&) { return std::uint64_t{42}; }},
    {"the least and the greatest",
     [](std::mt19937_64& random) {
       return random() % 2 == 0 ? std::uint64_t{0} : std::numeric_limits<std::uint64_t>::max();
     }},
    // Each time most of them are in the first bin.
    {"half as many, twice as far",
     [](std::mt19937_64& random) { return random() >> (random() % 64); }},
    {"a cluster and a few far away",
     [](std::mt19937_64& random) { return random() % 100 == 0 ? random() : random() % 500; }},
};

bool is_same(const SortEntry& a, const SortEntry& b) {
  return a.prefix == b.prefix && a.record.address() == b.record.address();
}

}  // namespace

TEST_SUITE_BEGIN("jobs/sort/bins");

TEST_CASE("prefixes of every kind, few and many, into either place") {
  std::vector<char> places(20'000);
  BinSort bins;
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{16}, std::size_t{65}, std::size_t{1000}, places.size()}) {
      CAPTURE(count);
      std::mt19937_64 random(11);
      std::vector<SortEntry> entries(count);
      for (std::size_t i = 0; i < count; ++i) entries[i] = {kind.make(random), &places[i]};
      std::vector<SortEntry> expected = entries;
      std::ranges::sort(expected, {}, [](const SortEntry& entry) {
        return std::pair(entry.prefix,
                         entry.record.address());  // records lie in the order of the entries
      });
      std::vector<SortEntry> other(count);
      std::vector<SortEntry> again = entries;
      bins.sort(entries, other, Into::kOther);
      CHECK(std::ranges::equal(other, expected, is_same));
      bins.sort(again, other, Into::kFrom);
      CHECK(std::ranges::equal(again, expected, is_same));
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::bin_sort_test
