// tests/jobs/text/cutter_test.cc - records compared with plain loops and with tr.

#include "jobs/text/cutter.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/text/regex_cutter.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/shell.h"

namespace gorun::test::cutter_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/text/cutter");

namespace {

using Records = std::vector<std::string>;

template <class Cutter>
Records all_of(Cutter cutter, std::size_t batch = kRecordBatch) {
  std::vector<std::string_view> views(batch);
  Records records;
  while (const std::size_t count = cutter.next(views)) {
    records.insert(records.end(), views.begin(),
                   views.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return records;
}

// One byte at a time, as the definition says.
Records words_by_hand(std::string_view text, WordRule rule) {
  Records records;
  std::string word;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (rule == WordRule::kLetters ? letter : !space) {
      word += c;
    } else if (!word.empty()) {
      records.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) records.push_back(word);
  return records;
}

Records lines_by_hand(std::string_view text, char delimiter) {
  Records records;
  while (!text.empty()) {
    const std::size_t at = text.find(delimiter);
    records.emplace_back(text.substr(0, at));
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  }
  return records;
}

// Text in which separators are frequent (small `rarity`) or seldom, with every byte value.
std::string random_text(std::size_t size, std::uint32_t seed, std::uint32_t rarity) {
  std::uint32_t x = seed * 2654435761U + 1;
  std::string text(size, '\0');
  for (char& c : text) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    const std::uint32_t pick = x >> 8;
    c = pick % rarity == 0 ? " \n\t\r\v\f"[pick / rarity % 6] : static_cast<char>(pick >> 7);
  }
  return text;
}

}  // namespace

TEST_CASE("all vector levels give the same masks, for every byte value") {
  std::string text;
  for (int i = 0; i < 256; ++i) text += static_cast<char>(i);
  for (const ByteClass::Kind kind :
       {ByteClass::Kind::kByte, ByteClass::Kind::kSpace, ByteClass::Kind::kNotLetters}) {
    const ByteClass wanted{.kind = kind, .byte = '\xfe'};
    std::vector<std::uint64_t> plain(4);
    class_masks(wanted, text.data(), 4, plain.data(), VectorLevel::kPlain);
    for (std::size_t i = 0; i < 256; ++i) {
      const char c = text[i];
      const bool space = c == ' ' || (c >= '\t' && c <= '\r');
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      const bool expected = kind == ByteClass::Kind::kByte    ? c == '\xfe'
                            : kind == ByteClass::Kind::kSpace ? space
                                                              : !letter;
      CAPTURE(i);
      CHECK((plain[i / 64] >> (i % 64) & 1) == expected);
    }
    for (int level = 1; level <= static_cast<int>(best_vector_level()); ++level) {
      std::vector<std::uint64_t> masks(4);
      class_masks(wanted, text.data(), 4, masks.data(), static_cast<VectorLevel>(level));
      CHECK(masks == plain);
    }
  }
}

TEST_CASE("all vector levels find the same bits, however many there are in a block") {
  std::uint32_t x = 1;
  const auto next = [&x] {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    return std::uint64_t{x} << 32 | (x * 2654435761U);
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint64_t> masks(8);
    for (std::uint64_t& mask : masks) {
      mask = next();
      for (int i = 0; i < round % 6; ++i) mask &= next();
    }
    masks[static_cast<std::size_t>(round % 8)] = round % 3 == 0 ? 0 : ~std::uint64_t{0};
    std::vector<std::uint16_t> expected;
    for (std::size_t i = 0; i < 512; ++i) {
      if ((masks[i / 64] >> (i % 64) & 1) != 0) expected.push_back(static_cast<std::uint16_t>(i));
    }
    for (int level = 0; level <= static_cast<int>(best_vector_level()); ++level) {
      CAPTURE(level);
      std::vector<std::uint16_t> positions(512 + kPositionsSlack);
      positions.resize(bit_positions(masks.data(), masks.size(), positions.data(),
                                     static_cast<VectorLevel>(level)));
      CHECK(positions == expected);
    }
  }
}

TEST_CASE("words of random texts, at every length around a block and for every batch") {
  for (const WordRule rule : {WordRule::kSpaceSeparated, WordRule::kLetters}) {
    for (std::size_t size = 0; size < 140; ++size) {
      for (const std::uint32_t rarity : {2U, 5U, 1000U}) {
        const std::string text = random_text(size, static_cast<std::uint32_t>(size) + 7, rarity);
        REQUIRE(all_of(WordCutter(text, rule)) == words_by_hand(text, rule));
        REQUIRE(count_words(text, rule) == words_by_hand(text, rule).size());
      }
    }
    for (const std::uint32_t rarity : {2U, 7U, 400U}) {
      const std::string text = random_text(10'000, rarity, rarity);
      const Records expected = words_by_hand(text, rule);
      REQUIRE(count_words(text, rule) == expected.size());
      for (const std::size_t batch : {1u, 2u, 3u, 64u, 100'000u}) {
        REQUIRE(all_of(WordCutter(text, rule), batch) == expected);
      }
    }
  }
}

TEST_CASE("lines of random texts, for any delimiter and batch") {
  for (const char delimiter : {'\n', '\0', '\xff'}) {
    for (std::size_t size = 0; size < 140; ++size) {
      const std::string text = random_text(size, static_cast<std::uint32_t>(size) + 3, 4);
      REQUIRE(all_of(LineCutter(text, delimiter)) == lines_by_hand(text, delimiter));
      REQUIRE(count_lines(text) == lines_by_hand(text, '\n').size());
    }
    const std::string text = random_text(10'000, 11, 20);
    REQUIRE(count_lines(text) == lines_by_hand(text, '\n').size());
    for (const std::size_t batch : {1u, 2u, 63u, 100'000u}) {
      REQUIRE(all_of(LineCutter(text, delimiter), batch) == lines_by_hand(text, delimiter));
    }
  }
}

TEST_CASE("ends of lines") {
  CHECK(all_of(LineCutter("")) == Records{});
  CHECK(all_of(LineCutter("\n")) == Records{""});
  CHECK(all_of(LineCutter("a")) == Records{"a"});
  CHECK(all_of(LineCutter("a\n")) == Records{"a"});
  CHECK(all_of(LineCutter("a\n\nb")) == Records{"a", "", "b"});
  CHECK(all_of(LineCutter("a\r\nb\r")) == Records{"a\r", "b\r"});
  CHECK(all_of(LineCutter("a\r\n\r\nb\r\r\nc\r", '\n', CarriageReturn::kStripped)) ==
        Records{"a", "", "b\r", "c"});
}

TEST_CASE("words are those of tr") {
  const gorun::test::ScratchDir scratch;
  std::string text;
  for (char& c : text = random_text(100'000, 5, 6)) c = static_cast<char>(c & 0x7f);
  const std::string path = scratch.write("text", text);
  const auto joined = [](const Records& records) {
    std::string out;
    for (const std::string& record : records) out += record + "\n";
    return out;
  };
  CHECK(joined(all_of(WordCutter(text))) ==
        gorun::test::run_shell("tr -s '[:space:]' '\\n' < " + path + " | grep -a -v '^$'").out);
  CHECK(joined(all_of(WordCutter(text, WordRule::kLetters))) ==
        gorun::test::run_shell("tr -cs 'A-Za-z' '\\n' < " + path + " | grep -a -v '^$'").out);
}

TEST_CASE("matches of an expression are those of grep -o") {
  const auto matches = [](const char* pattern, std::string_view text) {
    const auto regex = RecordRegex::compile(pattern);
    REQUIRE(regex.ok());
    return all_of(RegexCutter(*regex, text), 2);
  };
  CHECK(matches("[a-z]+", "ab 12 cd\nef") == Records{"ab", "cd", "ef"});
  CHECK(matches("x*", "axxbx") == Records{"xx", "x"});
  CHECK(matches("^.", "ab\ncd\n") == Records{"a", "c"});
  CHECK(matches(".$", "ab\ncd") == Records{"b", "d"});
  CHECK(matches("a[^b]*", "axx\nayy") == Records{"axx", "ayy"});  // never beyond a line
  CHECK(matches("([0-9]+)-[0-9]+", "1-2 33-4") == Records{"1", "33"});
  CHECK(matches("(a)|b", "ab a") == Records{"a", "a"});
  CHECK(matches("a|b", "") == Records{});
  CHECK(matches("z?", "\xc3\xa9\xffz") == Records{"z"});
}

TEST_CASE("an expression that does not compile says why, in the user's words") {
  CHECK(RecordRegex::compile("a(b").error() == "missing ): a(b");
  CHECK(RecordRegex::compile("a)|(b").error() == "unexpected ): a)|(b");
}

TEST_SUITE_END();

}  // namespace gorun::test::cutter_test
