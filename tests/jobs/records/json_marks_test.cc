// tests/jobs/records/json_marks_test.cc - marks, digits and backslashes of a window, at all vector
// levels, against a loop over its bytes.

#include "jobs/records/json_marks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace gorun::test::json_marks_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/records/json_marks");

namespace {

std::vector<std::size_t> marks_of(std::string_view text) {
  std::vector<std::size_t> marks;
  bool is_escaped = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || (c == '"' && !is_escaped)) marks.push_back(i);
    is_escaped = c == '\\' && !is_escaped;
  }
  return marks;
}

unsigned digits_of(std::string_view text, std::size_t at) {
  unsigned digits = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at, ++digits;
  return std::min(digits, JsonMarks::kMostDigits);
}

// Of few kinds of bytes, so that rows of one kind are as long as a block now and then.
std::string random_text(std::mt19937& random, std::size_t size) {
  static constexpr std::string_view kBytes =
      "\\\\\\\"\"0123456789/:a,{}[]\n\r\t\x01\x1f\x7f\x80\xff ";
  std::string text;
  while (text.size() < size) {
    const auto times = random() % 8 == 0 ? 1 + random() % 140 : 1;
    text.append(times, kBytes[random() % kBytes.size()]);
  }
  text.resize(size);
  return text;
}

}  // namespace

TEST_CASE("marks are what a loop over the bytes finds, at every vector level") {
  std::mt19937 random(11);
  const auto marks = std::make_unique<JsonMarks>();
  for (int round = 0; round < 300; ++round) {
    const std::size_t blocks = 1 + random() % (round < 290 ? 8 : JsonMarks::kMostBlocks);
    std::string text = random_text(random, blocks * kBlockBytes);
    // Also where the first backslash comes late.
    if (round % 2 == 0) {
      std::replace(text.begin(), text.end() - static_cast<std::ptrdiff_t>(random() % text.size()),
                   '\\', '"');
    }
    const std::vector<std::size_t> expected = marks_of(text);
    for (int level = 0; level <= static_cast<int>(best_vector_level()); ++level) {
      CAPTURE(level);
      CAPTURE(text);
      marks->look_at(text.data(), blocks, static_cast<VectorLevel>(level));
      REQUIRE(marks->size() == text.size());
      REQUIRE(marks->count() == expected.size());
      bool are_same = true;
      for (std::size_t i = 0; i < expected.size(); ++i) are_same &= (*marks)[i] == expected[i];
      CHECK(are_same);
      for (int i = 0; i < 20; ++i) {
        const std::size_t at = random() % (text.size() + JsonMarks::kSlack);
        CHECK(marks->digits(at) == (at < text.size() ? digits_of(text, at) : 0));
        const std::size_t from = random() % text.size();
        const std::size_t to = from + random() % (text.size() - from + 1);
        CHECK(marks->has_backslash(from, to) ==
              (text.substr(from, to - from).find('\\') != std::string::npos));
      }
    }
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::json_marks_test
