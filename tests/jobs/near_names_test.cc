// tests/jobs/near_names_test.cc - what is near is what closest() calls so, for all names and typing
// errors.
#include "jobs/near_names.h"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/edit_distance.h"
#include "tests/support/scale.h"

namespace gorun::jobs::near_names_test {

namespace {

// Few letters, so that much is alike; of both cases.
class Typist {
 public:
  explicit Typist(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return random_() % end; }

  std::string word(std::size_t longest) {
    std::string word;
    for (std::size_t i = below(longest + 1); i > 0; --i) word += letter();
    return word;
  }

  std::string mistyped(std::string word) {
    for (std::size_t errors = below(5); errors > 0 && !word.empty(); --errors) {
      const std::size_t at = below(word.size());
      switch (below(4)) {
        case 0:
          word.erase(at, 1);
          break;
        case 1:
          word.insert(at, 1, letter());
          break;
        case 2:
          word[at] = letter();
          break;
        default:
          if (at + 1 < word.size()) std::swap(word[at], word[at + 1]);
      }
    }
    return word;
  }

 private:
  char letter() { return std::string_view("abAB-")[below(5)]; }

  std::mt19937 random_;
};

}  // namespace

TEST_SUITE("jobs/near_names") {
  TEST_CASE("a suggestion is near, the nearest, and the first of equals") {
    const std::array<std::string_view, 8> given = {"walk", "glob", "lines", "exec",
                                                   "take", "talk", "",      "WALK"};
    const NearNames names(given);
    CHECK(names.closest("wlak") == "walk");
    CHECK(names.closest("WALK") == "walk");
    CHECK(names.closest("line") == "lines");
    CHECK(names.closest("tale") == "take");
    CHECK(names.closest("balk") == "walk");
    CHECK_FALSE(names.closest("teleport"));
    CHECK_FALSE(names.closest("x"));
    CHECK_FALSE(names.closest(""));
    CHECK_FALSE(NearNames({}).closest("walk"));
  }

  TEST_CASE("it finds what closest() finds") {
    for (unsigned seed = 1; seed <= static_cast<unsigned>(test::scaled(400, 40)); ++seed) {
      CAPTURE(seed);
      Typist typist(seed);
      const std::size_t longest = 1 + typist.below(24);
      std::vector<std::string> words(typist.below(60));
      for (std::string& word : words) word = typist.word(longest);
      const std::vector<std::string_view> given(words.begin(), words.end());
      const NearNames names(given);
      for (int i = 0; i < 50; ++i) {
        const std::string typed = words.empty() || i % 2 == 0
                                      ? typist.word(longest)
                                      : typist.mistyped(words[typist.below(words.size())]);
        CAPTURE(typed);
        const auto expected = closest(typed, given);
        const auto found = names.closest(typed);
        REQUIRE(found == expected);
        if (found) CHECK(found->data() == expected->data());  // the same of equals
      }
    }
  }
}

}  // namespace gorun::jobs::near_names_test
