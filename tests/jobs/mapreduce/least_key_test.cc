#include "jobs/mapreduce/least_key.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace gorun::test::least_key_test {

using jobs::leading_bytes;
using jobs::LeastKey;

TEST_SUITE_BEGIN("jobs/mapreduce/least_key");

TEST_CASE("leading bytes compare as keys do, as far as they go") {
  const std::vector<std::string> keys = {"",         std::string("\0", 1),
                                         "a",        std::string("a\0", 2),
                                         "a\x01",    "ab",
                                         "abcdefg",  "abcdefgh",
                                         "abcdefgi", "b",
                                         "\x7f",     "\x80",
                                         "\xff",     "\xff\xff"};
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
    CAPTURE(i);
    REQUIRE(keys[i] < keys[i + 1]);
    CHECK(leading_bytes(keys[i]) <= leading_bytes(keys[i + 1]));
  }
  CHECK(leading_bytes("abcdefgh") == leading_bytes("abcdefghij"));
  CHECK(leading_bytes("abc") < leading_bytes("abd"));
}

TEST_CASE("sequences of any number and length, also empty ones, are merged in order") {
  constexpr unsigned kSeed = 7;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  for (std::size_t count = 0; count < 40; ++count) {
    CAPTURE(count);
    std::vector<std::vector<std::string>> sequences(count);
    std::vector<std::string> all;
    for (auto& sequence : sequences) {
      for (auto left = random() % 30; left > 0; --left) {
        // Many are equal, begin alike for more than eight bytes, or end with zeros or 0xff.
        std::string key = random() % 2 == 0 ? "all begin alike" : "";
        for (auto i = random() % 4; i > 0; --i)
          key +=
              "\0\xff"
              "ab"[random() % 4];
        if (random() % 8 == 0) key.assign(8 + random() % 2, '\xff');
        sequence.push_back(key);
        all.push_back(key);
      }
      std::ranges::sort(sequence);
    }
    std::ranges::sort(all);
    LeastKey least(count);
    std::vector<std::size_t> next(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (!sequences[i].empty()) least.set(i, sequences[i].front());
    }
    least.begin();
    std::vector<std::string> merged;
    while (!least.is_at_end()) {
      const std::size_t i = least.least();
      const std::string key(least.key());
      REQUIRE(least.is(key, leading_bytes(key)));
      REQUIRE(!least.is(key + "x", leading_bytes(key + "x")));
      merged.push_back(key);
      if (++next[i] < sequences[i].size()) {
        least.replace(sequences[i][next[i]]);
      } else {
        least.end();
      }
    }
    CHECK(merged == all);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::least_key_test
