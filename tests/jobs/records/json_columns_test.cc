// tests/jobs/records/json_columns_test.cc - documents side by side against the same documents one
// by one.

#include "jobs/records/json_columns.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/records/json_skimmer.h"
#include "tests/jobs/records/random_documents.h"

namespace gorun::test::json_columns_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/records/json_columns");

namespace {

using Texts = std::vector<std::string>;

// What was found, by document: "document|kind value|kind value".
struct Found {
  Texts documents;
  std::size_t end = 0;  // in the text
};

std::string written(JsonToken::Kind kind, std::string_view text) {
  if (kind == JsonToken::Kind::kAbsent) return "|-";
  return "|" + std::to_string(static_cast<int>(kind)) + " " + std::string(text);
}

// A text of lines of one shape, and what is known of its first one.
class Lines {
 public:
  // The first one is right.
  explicit Lines(std::string text, const Texts& pointers)
      : text_(std::move(text)),
        tokens_(pointers.size() + 1),
        marks_(std::make_unique<JsonMarks>()) {
    JsonSkimmer skimmer(pointers);
    skimmer.begin(text_);
    const auto first = skimmer.skim(0, JsonLines::kEnd);
    REQUIRE(first.verdict == JsonSkimmer::Verdict::kPlain);
    shape_ = JsonShape::of(std::string_view(text_).substr(0, first.end), skimmer.tokens());
    if (shape_) columns_ = JsonColumns::of(*shape_);
  }

  [[nodiscard]] bool has_columns() const { return columns_.has_value(); }
  [[nodiscard]] const std::string& text() const { return text_; }

  // The window that begins with text()[begin].
  [[nodiscard]] bool look_at(std::size_t begin, VectorLevel level) {
    begin_ = begin;
    const std::size_t left = text_.size() - begin;
    if (left < JsonWindow::kSlack + kBlockBytes) return false;
    const std::size_t blocks = (left - JsonWindow::kSlack) / kBlockBytes;
    marks_->look_at(text_.data() + begin, std::min(blocks, JsonMarks::kMostBlocks), level);
    return true;
  }

  [[nodiscard]] std::size_t count_at(std::size_t begin) const {
    return columns_->count_in(window(), mark_at(begin));
  }

  Found side_by_side(std::size_t begin, std::size_t most) {
    std::array<std::string_view, JsonColumns::kMost> documents;
    std::vector<std::array<std::string_view, JsonColumns::kMost>> values(tokens_.size() - 1);
    std::vector<std::string_view*> places;
    for (auto& column : values) places.push_back(column.data());
    std::vector<JsonToken::Kind> kinds(values.size());
    const auto match = columns_->match(window(), begin - begin_, mark_at(begin), most,
                                       {text_.data() + begin_, documents.data(), places, kinds});
    Found found;
    for (std::size_t k = 0; k < match.count; ++k) {
      std::string& one = found.documents.emplace_back(documents[k]);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool is_any = kinds[i] == JsonToken::Kind::kNumber;
        one += written(is_any ? kind_of_word(values[i][k]) : kinds[i], values[i][k]);
      }
    }
    found.end = begin_ + match.at;
    if (match.count > 0) CHECK(match.mark == mark_at(found.end));
    return found;
  }

  Found one_by_one(std::size_t begin, std::size_t most) {
    Found found;
    found.end = begin;
    while (found.documents.size() < most) {
      const auto match = shape_->match<JsonLines::kEnd>(window(), found.end - begin_,
                                                        mark_at(found.end), tokens_.data());
      std::size_t end = begin_ + match.at;
      if (match.is_cut()) {  // by a window's end, nearer to which it would match side by side
        end = skim(found.end);
      } else if (!match.is_whole()) {
        break;
      }
      if (text_[end] != '\n') break;
      std::string& one = found.documents.emplace_back(text_.substr(found.end, end - found.end));
      for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
        one += written(tokens_[i].kind, tokens_[i].text);
      }
      found.end = end + 1;
    }
    return found;
  }

 private:
  [[nodiscard]] JsonWindow window() const {
    return {text_.data() + begin_, text_.data() + text_.size(), *marks_};
  }
  // Sets the tokens; where the document ends, or its line begins if it is not right.
  [[nodiscard]] std::size_t skim(std::size_t begin) {
    JsonSkimmer skimmer(pointers_);
    skimmer.begin(text_);
    const auto skimmed = skimmer.skim(begin, JsonLines::kEnd);
    if (skimmed.verdict != JsonSkimmer::Verdict::kPlain) return begin;
    std::ranges::copy(skimmer.tokens(), tokens_.begin());
    return skimmed.end;
  }
  [[nodiscard]] std::size_t mark_at(std::size_t begin) const {
    std::size_t mark = 0;
    while (mark < marks_->count() && (*marks_)[mark] < begin - begin_) ++mark;
    return mark;
  }

  const std::string text_;
  const Texts pointers_;
  std::vector<JsonToken> tokens_;
  std::unique_ptr<JsonMarks> marks_;
  std::optional<JsonShape> shape_;
  std::optional<JsonColumns> columns_;
  std::size_t begin_ = 0;
};

std::string lines_of(std::mt19937& random, unsigned odd) {
  std::vector<Part> parts;
  add_object(random, 2, false, &parts);
  std::string text;
  while (text.size() < 8000) text += random_document(random, parts, odd) + '\n';
  return text;
}

bool is_right(std::string_view text, const Texts& pointers) {
  JsonSkimmer skimmer(pointers);
  skimmer.begin(text);
  const auto first = skimmer.skim(0, JsonLines::kEnd);
  return first.verdict == JsonSkimmer::Verdict::kPlain && text[first.end] == '\n';
}

Texts pointers_of(const NamedTexts& fields) {
  Texts pointers;
  for (const auto& [name, pointer] : fields) pointers.push_back(pointer);
  return pointers;
}

constexpr std::string_view kPlainLine = "{\"a\":12,\"b\":\"text\",\"c\":true}\n";

// Lines of which the n-th is `line`.
std::string plain_but(std::size_t n, std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < 80; ++i) text += i == n ? line : kPlainLine;
  return text;
}

}  // namespace

TEST_CASE("documents side by side are what they are one by one") {
  std::mt19937 random(29);
  std::size_t matched = 0;
  std::size_t odd_ones = 0;
  std::size_t without = 0;
  for (int round = 0; round < 1500; ++round) {
    const unsigned odd = 8U << random() % 9;
    const Texts pointers = pointers_of(wanted_fields()[random() % wanted_fields().size()]);
    std::string text = lines_of(random, odd);
    if (!is_right(text, pointers)) continue;
    Lines lines(std::move(text), pointers);
    if (!lines.has_columns()) {
      ++without;
      continue;
    }
    const auto level =
        static_cast<VectorLevel>(random() % (static_cast<unsigned>(best_vector_level()) + 1));
    std::size_t begin = 0;
    if (!lines.look_at(begin, level)) continue;
    for (;;) {
      const std::size_t most = lines.count_at(begin);
      if (most < JsonColumns::kLeast) break;
      const Found all = lines.one_by_one(begin, most);
      const Found some = lines.side_by_side(begin, most);
      CAPTURE(round);
      CAPTURE(begin);
      REQUIRE(some.documents.size() <= all.documents.size());
      for (std::size_t i = 0; i < some.documents.size(); ++i) {
        REQUIRE(some.documents[i] == all.documents[i]);
      }
      matched += some.documents.size();
      if (some.documents.size() == most) {
        CHECK(some.end == all.end);
        begin = all.end;
        continue;
      }
      ++odd_ones;
      begin = lines.text().find('\n', all.end) + 1;
      if (begin == 0) break;
      // Also where a window begins.
      if (random() % 2 == 0 && !lines.look_at(begin, level)) break;
    }
  }
  CHECK(matched > 20000);
  CHECK(odd_ones > 500);
  CHECK(without > 50);
}

TEST_CASE("those before one that is different match, whatever differs") {
  const Texts pointers = {"/a", "/c", "/b", "/none", "/c"};
  const Texts others = {"{\"a\":12,\"b\":\"text\",\"d\":true}\n",
                        "{\"a\":12,\"b\":\"text\",\"c\":true}  \n",
                        "{\"a\":012,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":00,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":-,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":-012,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":1-2,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":1/2,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":1:2,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":1.,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":12345678901234567x,\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":\"12\",\"b\":\"text\",\"c\":true}\n",
                        "{\"a\":12,\"b\":\"te\txt\",\"c\":true}\n",
                        "{\"a\":12,\"b\":\"te\"xt\",\"c\":true}\n",
                        "{\"a\":12,\"b\":\"te\\\"xt\",\"c\":true}\n",
                        "{\"a\":12,\"b\":\"text\\\",\"c\":true}\n",
                        "{\"a\":12,\"b\":12,\"c\":true}\n",
                        "{\"a\":12,\"b\":\"text\",\"c\":tru}\n",
                        "{\"a\":12,\"b\":\"text\",\"c\":}\n",
                        "{\"a\":12,\"b\":\"text\",\"c\":[]}\n",
                        "{\"a\":12,\"b\":\"text\",\"c\":{}}\n",
                        "{\"a\":12,\"b\":\"text\",\"c\":truefalse}\n",
                        "\n"};
  for (const std::string& other : others) {
    CAPTURE(other);
    for (std::size_t n = 1; n < 30; ++n) {
      Lines lines(plain_but(n, other), pointers);
      REQUIRE(lines.has_columns());
      REQUIRE(lines.look_at(0, best_vector_level()));
      const Found found = lines.side_by_side(0, 30);
      // As long as that line does not look like the others in the beginning, or is longer.
      const std::size_t least = n - 1 < JsonColumns::kLeast ? 0 : n - 1;
      CHECK(found.documents.size() >= least);
      CHECK(found.documents.size() <= n);
      for (const std::string& one : found.documents) {
        CHECK(one == "{\"a\":12,\"b\":\"text\",\"c\":true}|2 12|4 true|1 text|-|4 true");
      }
    }
  }
}

TEST_CASE("values of all kinds match, with what they are") {
  struct Case {
    std::string_view first;  // the value that the shape is made of
    Texts values;
    std::vector<int> kinds;  // of them, as JsonToken has them
  };
  const std::vector<Case> cases = {
      {"7", {"0", "1", "10", "1234567890123456", "9"}, {2, 2, 2, 2, 2}},
      {"7", {"-1", "0", "-12", "12345678901234567", "-123456789012345678"}, {2, 2, 2, 2, 2}},
      {"7", {"-0", "1234567890123456789", "1", "-7", "2"}, {3, 3, 2, 2, 2}},
      {"7", {"1.5", "1e3", "-0.0", "2E-2", "17"}, {3, 3, 3, 3, 2}},
      {"1.5", {"17", "1", "0", "2", "12"}, {2, 2, 2, 2, 2}},
      {"7", {"true", "null", "1", "false", "0.5"}, {4, 4, 2, 4, 3}},
      {"true", {"false", "null", "true", "null", "false"}, {4, 4, 4, 4, 4}},
      {"true", {"12", "null", "-1", "1e9", "false"}, {2, 4, 2, 3, 4}},
      {"\"x\"",
       {"\"\"", "\"12\"", "\"\xc3\xa9\"", "\"a longer one, of 32 bytes and more\"", "\"}\""},
       {1, 1, 1, 1, 1}}};
  for (const Case& one : cases) {
    CAPTURE(one.first);
    CAPTURE(one.values.front());
    std::string text = "{\"a\": " + std::string(one.first) + " ,\"b\":\"\\n\"}\n";
    const std::size_t begin = text.size();
    Texts expected;
    for (std::size_t i = 0; i < one.values.size(); ++i) {
      const std::string document = "{\"a\": " + one.values[i] + " ,\"b\":\"\\\"\"}";
      text += document + "\n";
      std::string_view value = one.values[i];
      if (one.kinds[i] == 1) value = value.substr(1, value.size() - 2);
      expected.push_back(document + "|" + std::to_string(one.kinds[i]) + " " + std::string(value));
    }
    text += "{\"a\": " + std::string(one.first) + std::string(1000, ' ');
    Lines lines(text, {"/a"});
    REQUIRE(lines.has_columns());
    REQUIRE(lines.look_at(0, best_vector_level()));
    const Found found = lines.side_by_side(begin, one.values.size());
    CHECK(found.documents == expected);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::json_columns_test
