// tests/jobs/text/matching_lines_test.cc - lines found in a whole text, compared with asking each.

#include "jobs/text/matching_lines.h"

#include <doctest/doctest.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/text/cutter.h"

namespace gorun::test::matching_lines_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/text/matching_lines");

namespace {

using Lines = std::vector<std::string>;

std::string random_text(std::mt19937& random, std::size_t size, std::string_view alphabet) {
  std::string text(size, ' ');
  for (char& c : text) c = alphabet[random() % alphabet.size()];
  return text;
}

std::uint64_t lines_with(std::string_view text, std::string_view literal) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; (at = text.find(literal, at)) != std::string_view::npos;) {
    ++count;
    at = std::min(text.find('\n', at), text.size());
  }
  return count;
}

}  // namespace

TEST_CASE("the lines that match are those in which RE2 finds something, one by one") {
  std::mt19937 random(1);
  std::size_t wrong = 0;
  for (const char* pattern :
       {"a", "ab", "aab", "\\.", "a\\.b", "a|b", "^a", "b$", "^$", "^", "$", "x*", "[^a]", "a\\s",
        "\\bab", "a.*b", "\\x{e9}", "[[:space:]]", "(a|\\n)b", "a\\n", "\\W", ".",
        // These have a literal that a line must have.
        "a+bab", "[ab]+aba", "^aab", "aba$", "x.*aba", "aba?bab", "(a|b)bab", "aab{2}b*",
        "\\.ab\\.", "aaab+a", "a ab\\b", "[^a]aab[[:space:]]", "b\\xaab", "aab\\x{e9}?"}) {
    CAPTURE(pattern);
    const RE2 regex(pattern, RE2::Quiet);
    REQUIRE(regex.ok());
    const auto lines = LinePattern::compile(pattern);
    REQUIRE(lines.has_value());
    for (int round = 0; round < 200; ++round) {
      const std::string text =
          random_text(random, random() % 300, std::string_view("ab.\n \r\xc3\xa9\xff\0x", 11));
      Lines expected;
      std::array<std::string_view, 3> records;
      LineCutter cutter(text);
      std::size_t all = 0;
      while (const std::size_t count = cutter.next(records)) {
        all += count;
        for (std::size_t i = 0; i < count; ++i) {
          if (RE2::PartialMatch({records[i].data(), records[i].size()}, regex)) {
            expected.emplace_back(records[i]);
          }
        }
      }
      Lines found;
      MatchingLines matching(*lines, text);
      while (const std::size_t count = matching.next(records)) {
        found.insert(found.end(), records.begin(),
                     records.begin() + static_cast<std::ptrdiff_t>(count));
      }
      wrong += found != expected;
      wrong += matching.lines() != all;
      MatchingLines counting(*lines, text);
      wrong += counting.count() != expected.size();
      wrong += counting.lines() != all;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("the literal that a line must have is the longest that stands outside of groups") {
  const std::pair<const char*, const char*> cases[] = {
      {"[a-z]+ing [a-z]+ed", "ing "},
      {"abc+de", "abc"},
      {"abcd?efg", "abc"},
      {"abcd*", "abc"},
      {"abcd{0,2}xyzw", "xyzw"},
      {"a\\.b\\.c", "a.b.c"},
      {"(abcdef|x)ghi", "ghi"},
      {"(abc)+", ""},
      {"abc|def", ""},
      {"(a|[)]\\))bcd", "bcd"},
      {"[]abc]def", "def"},
      {"[[:alpha:]]def", "def"},
      {"ab\\dcd", ""},
      {"\\x61bcd", ""},
      {"\\pNabc", ""},
      {"ab\xc3\xa9?cde", "cde"},
      {"x{2}abc", "abc"},
      {"x{abc", ""},
      {"abc\\", ""},
  };
  for (const auto& [pattern, literal] : cases) {
    CAPTURE(pattern);
    CHECK(required_literal(pattern) == literal);
  }
}

TEST_CASE("what a whole text cannot tell is left to the lines") {
  for (const char* pattern : {"\\Aa", "a\\z", "(?-m)^a", "(?s:a.b)", "\\Qa.b\\E"}) {
    CAPTURE(pattern);
    CHECK_FALSE(LinePattern::compile(pattern).has_value());
  }
}

TEST_CASE(
    "a literal is found where a plain search finds it, by every vector, and lines are counted") {
  std::mt19937 random(2);
  std::size_t wrong = 0;
  for (int level = 0; level <= static_cast<int>(best_vector_level()); ++level) {
    CAPTURE(level);
    for (int round = 0; round < 3000; ++round) {
      const std::string text =
          random_text(random, random() % (round % 10 == 0 ? 9000 : 500), "aab\nq");
      std::string literal = random_text(random, 1 + random() % (round % 3 == 0 ? 80 : 5), "aabq");
      if (random() % 2 == 0 && text.size() > 10) {
        literal = text.substr(random() % (text.size() - 4), 1 + random() % 100);
        literal = literal.substr(0, literal.find('\n'));
      }
      if (literal.empty()) continue;
      const LiteralSearch search(literal, static_cast<VectorLevel>(level));
      // Text that ends where a page does would show a load beyond it.
      const std::vector<char> exact(text.begin(), text.end());
      const std::string_view view(exact.data(), exact.size());
      const auto feeds = static_cast<std::uint64_t>(std::count(view.begin(), view.end(), '\n'));
      LiteralScan scan(search, view);
      // Every occurrence, or some bytes behind the last one, as one who looks for lines does.
      const std::size_t step = 1 + random() % 3 * 40;
      for (std::size_t from = 0; from < view.size();) {
        const std::size_t expected = view.find(literal, from);
        const char* const found = scan.next(view.data() + from);
        if (expected == std::string_view::npos) {
          wrong += found != nullptr;
          break;
        }
        wrong += found != view.data() + expected;
        from = expected + step;
      }
      wrong += scan.feeds() != feeds;
      LiteralScan counting(search, view);
      wrong += counting.count_lines() != lines_with(view, literal);
      wrong += counting.feeds() != feeds;
    }
    CHECK(wrong == 0);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::matching_lines_test
