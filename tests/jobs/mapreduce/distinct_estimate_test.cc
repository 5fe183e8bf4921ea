// tests/jobs/mapreduce/distinct_estimate_test.cc - few and many hashes, some of them again.

#include "jobs/mapreduce/distinct_estimate.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace gorun::test::distinct_estimate_test {

using gorun::jobs::DistinctEstimate;

TEST_SUITE_BEGIN("jobs/mapreduce/distinct_estimate");

TEST_CASE("an estimate is near the number of different hashes, however often they come") {
  for (const std::uint64_t range : {std::uint64_t{0}, std::uint64_t{1} << 60}) {
    CAPTURE(range);  // hashes below it: those of one shard out of many
    for (const std::size_t different : {0UL, 1UL, 100UL, 5'000UL, 12'000UL, 300'000UL}) {
      CAPTURE(different);
      DistinctEstimate all;
      DistinctEstimate halves[2];
      for (int again = 0; again < 3; ++again) {
        std::mt19937_64 random(9);
        for (std::size_t i = 0; i < different; ++i) {
          const std::uint64_t hash = range == 0 ? random() : random() % range;
          all.note(hash);
          halves[i % 2].note(hash);
        }
      }
      CHECK(all.value() == doctest::Approx(static_cast<double>(different)).epsilon(0.06));
      halves[0].note_all_of(halves[1]);
      CHECK(halves[0].value() == all.value());
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::distinct_estimate_test
