// tests/jobs/large_vector_test.cc - what was appended stays, from a few bytes to many huge pages.

#include "jobs/large_vector.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gorun::test::large_vector_test {

namespace {

using jobs::LargeVector;

// Returns the first place that is wrong, or the size.
std::size_t right_until(const LargeVector<std::uint64_t>& vector, std::uint64_t begin) {
  std::size_t i = 0;
  while (i < vector.size() && vector[i] == begin + i) ++i;
  return i;
}

void fill_to(LargeVector<std::uint64_t>& vector, std::size_t size, std::uint64_t begin) {
  constexpr std::size_t kMost = 1000;
  while (vector.size() < size) {
    const std::size_t at = vector.size();
    const std::span<std::uint64_t> added = vector.append(std::min(kMost, size - at));
    for (std::size_t i = 0; i < added.size(); ++i) added[i] = begin + at + i;
  }
}

}  // namespace

TEST_SUITE_BEGIN("jobs/large_vector");

TEST_CASE("what was appended stays while the memory grows") {
  LargeVector<std::uint64_t> vector;
  CHECK(vector.empty());
  CHECK(vector.bytes() == 0);
  // The last is some huge pages.
  for (const std::size_t size : {std::size_t{10}, std::size_t{5000}, std::size_t{2'000'000}}) {
    CAPTURE(size);
    fill_to(vector, size, 7);
    REQUIRE(vector.size() == size);
    CHECK(right_until(vector, 7) == size);
    CHECK(vector.bytes() == size * sizeof(std::uint64_t));
    CHECK(vector.all().size() == size);
  }
}

TEST_CASE("clear() keeps the memory, which counts as used") {
  LargeVector<std::uint64_t> vector;
  fill_to(vector, 500'000, 0);
  const std::uint64_t* const before = vector.all().data();
  vector.clear();
  CHECK(vector.empty());
  CHECK(vector.bytes() == 500'000 * sizeof(std::uint64_t));
  fill_to(vector, 400'000, 3);
  CHECK(vector.all().data() == before);
  CHECK(right_until(vector, 3) == 400'000);
}

TEST_SUITE_END();

}  // namespace gorun::test::large_vector_test
