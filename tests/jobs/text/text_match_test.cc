// Matching against RE2, which it must agree with: by hand, and on random expressions and texts.
#include "jobs/text/text_match.h"

#include <doctest/doctest.h>
#include <re2/re2.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/text/small_dfa.h"
#include "tests/support/scale.h"

namespace gorun::test::text_match_test {

namespace {

using namespace gorun::jobs;
using std::string_literals::operator""s;

bool by_re2(const std::string& text, const RE2& regex) { return RE2::PartialMatch(text, regex); }

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
  template <std::size_t N>
  std::string_view one_of(const std::array<std::string_view, N>& all) {
    return all[below(N)];
  }

 private:
  std::mt19937_64 engine_;
};

// Expressions of the syntax that has a table, and now and then of the rest.
std::string random_pattern(Random& random, int depth) {
  static constexpr std::array<std::string_view, 26> kAtoms = {
      "a",      "b",    "0",    "_",    ".",        "\\.", "[ab]",        "[^a]", "[a-c0]",
      "[-a]",   "[a-]", "\\d",  "\\w",  "\\s",      "\\D", "\\W",         "\\S",  "[\\d_]",
      "[^\\w]", "\\n",  "\\Aa", "b\\z", "\xc3\xa9", "\\b", "[[:alpha:]]", "(?i)B"};
  static constexpr std::array<std::string_view, 10> kRepeats = {
      "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}"};
  std::string pattern;
  for (std::size_t parts = random.below(4) + (depth == 0 ? 1 : 0); parts > 0; --parts) {
    std::string atom;
    const std::size_t what = random.below(10);
    if (what == 0 && depth < 3) {
      atom = "(" + random_pattern(random, depth + 1) + ")";
    } else if (what == 1 && depth < 3) {
      atom =
          "(?:" + random_pattern(random, depth + 1) + "|" + random_pattern(random, depth + 1) + ")";
    } else if (what == 2) {
      pattern += random.below(2) == 0 ? "^" : "$";
      continue;
    } else {
      // The last few make RE2 do the work.
      atom = kAtoms[random.below(random.below(8) == 0 ? kAtoms.size() : kAtoms.size() - 4)];
    }
    pattern += atom;
    if (random.below(3) == 0) pattern += random.one_of(kRepeats);
  }
  if (random.below(8) == 0) pattern += "|" + random_pattern(random, depth + 1);
  return pattern;
}

std::string random_text(Random& random) {
  static constexpr std::array<std::string_view, 12> kPieces = {
      "a", "b", "0", "_", ".", "\n", " ", "c", "-", "aab", "\xc3\xa9", "\xff"};
  std::string text;
  for (std::size_t parts = random.below(9); parts > 0; --parts) {
    text += kPieces[random.below(random.below(4) == 0 ? kPieces.size() : kPieces.size() - 2)];
  }
  return text;
}

std::uint64_t seed() {
  const char* text = std::getenv("GORUN_FUZZ_SEED");
  return text == nullptr ? 4711 : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_SUITE_BEGIN("jobs/text/text_match");

TEST_CASE("literals, tables and RE2 agree with RE2") {
  const std::vector<std::string> patterns = {
      "",        "abc",         "^abc", "abc$",     "^abc$",  "^$",        "^",
      "$",       "a\\.b",       "\\$",  "\xc3\xa9", "a.c",    "^[0-9]+$",  "(a|b)+$",
      "a{2,3}b", "^(a|ab)$",    "x*",   "^x*$",     "\\bfoo", "(?i)ABC",   "[^a-z]",
      "a|^b|c$", "(^|,)a(,|$)", "$^",   "a$b",      "a^b",    "\\w+@\\w+", ".*\\.html$"};
  const std::vector<std::string> texts = {
      "",        "abc",      "xabc",    "abcx",       "xabcx", "a.b", "axb",
      "a$b",     "\xc3\xa9", "a\nc",    "a\0c"s,      "123",   "12x", "ab",
      "aab",     "aaaab",    "foo",     "xfoo",       "ABC",   "b",   "c",
      "x,a",     ",a,b",     "me@here", "index.html", "\xff",  "a\n", std::string(300, 'a') + "b",
      "\xffxabc"};
  for (const std::string& pattern : patterns) {
    CAPTURE(pattern);
    const RE2 regex(pattern, RE2::Quiet);
    REQUIRE(regex.ok());
    TextMatch match(pattern);
    for (const std::string& text : texts) {
      CAPTURE(text);
      CHECK(match.matches(text) == by_re2(text, regex));
    }
  }
}

TEST_CASE("random expressions match what RE2 says they match") {
  Random random(seed());
  CAPTURE(seed());
  const int wanted = gorun::test::scaled(4000, 400);
  int simple = 0;
  int all = 0;
  int yes = 0;
  int tried = 0;
  while (all < wanted) {
    const std::string pattern = random_pattern(random, 0);
    const RE2 regex(pattern, RE2::Quiet);
    if (!regex.ok()) continue;
    ++all;
    CAPTURE(pattern);
    const auto dfa = SmallDfa::compile(pattern);
    if (dfa) ++simple;
    TextMatch match(pattern);
    for (int i = 0; i < 30; ++i) {
      const std::string text = random_text(random);
      CAPTURE(text);
      const bool expected = by_re2(text, regex);
      yes += expected;
      ++tried;
      REQUIRE(match.matches(text) == expected);
      // The table also of what is a literal.
      if (!dfa) continue;
      const SmallDfa::Verdict verdict = dfa->search(text);
      if (verdict != SmallDfa::Verdict::kUnknown) {
        REQUIRE((verdict == SmallDfa::Verdict::kYes) == expected);
      }
    }
  }
  // Else nothing was compared.
  CHECK(simple > all / 2);
  CHECK(simple < all);
  CHECK(yes > tried / 10);
  CHECK(yes < tried * 9 / 10);
}

TEST_CASE("what has no table is told by what it is") {
  for (const char* pattern :
       {"\\b", "(?i)a", "\\pL", "[[:alpha:]]", "\xc3\xa9", "(?P<n>a)", "a{65}", "[]a]", "\\x41",
        "\\Qa.b\\E", "(0|1)*1(0|1){7}"}) {  // of which the table would have 2^8 states
    CAPTURE(pattern);
    CHECK_FALSE(SmallDfa::compile(pattern).has_value());
  }
  // Deeper than any stack need bear.
  const std::string deep = std::string(5000, '(') + std::string(5000, ')');
  CHECK_FALSE(SmallDfa::compile(deep).has_value());
}

TEST_CASE("a text that is not ASCII is left to RE2, unless it was decided before") {
  const auto dfa = SmallDfa::compile("^a.c");
  REQUIRE(dfa.has_value());
  CHECK(dfa->search("a\xc3\xa9"
                    "c") == SmallDfa::Verdict::kUnknown);
  CHECK(dfa->search("abc\xc3\xa9") == SmallDfa::Verdict::kYes);
  CHECK(dfa->search("b\xc3\xa9") == SmallDfa::Verdict::kNo);
}

TEST_SUITE_END();

}  // namespace gorun::test::text_match_test
