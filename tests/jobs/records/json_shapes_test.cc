// tests/jobs/records/json_shapes_test.cc - documents that look like those before them, against the
// same documents each in a text of its own, which nothing is known of.

#include "jobs/records/json_shapes.h"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/records/json_cutter.h"
#include "jobs/records/json_skimmer.h"
#include "tests/jobs/records/cut_all.h"
#include "tests/jobs/records/random_documents.h"

namespace gorun::test::json_shapes_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/records/json_shapes");

namespace {

using Texts = std::vector<std::string>;

// All records and what is wrong, in their order: "document|value|value", "-" for no value, "#"
// behind a number; "offset: what [text]", the offset counted from `base`.
Texts cut(JsonCutter& cutter, std::size_t columns, std::string_view text, JsonFraming framing,
          std::size_t base = 0) {
  RecordTable table;
  table.set_names(Texts(columns));
  cutter.begin(text, framing);
  Texts all;
  cut_all(
      cutter, table, text,
      [&](const Rows& rows, std::size_t i) {
        std::string& record = all.emplace_back(rows.records.texts[i]);
        for (const Column& column : rows.columns) {
          const std::string_view value = column.values[i];
          record += value.data() == nullptr ? "|-" : "|" + std::string(value);
          if (value.data() != nullptr && column.types[i] == FieldType::kNumber) record += '#';
        }
      },
      [&](const WrongRecord& wrong) {
        all.push_back(std::to_string(base + wrong.offset) + ": " + wrong.what + " [" +
                      std::string(wrong.text) + "]");
      });
  return all;
}

// Lines of documents of one to three shapes.
Texts random_lines(std::mt19937& random, bool has_feeds, unsigned odd = kOften) {
  std::vector<std::vector<Part>> shapes(odd > kOften ? 1 : 1 + random() % 3);
  for (auto& shape : shapes) add_object(random, 3, has_feeds, &shape);
  Texts lines;
  for (std::size_t bytes = 0; bytes < 3000 + random() % 40000;) {
    lines.push_back(random_document(random, shapes[random() % shapes.size()], odd));
    bytes += lines.back().size() + 1;
  }
  return lines;
}

struct Work {
  std::size_t documents = 0;
  std::size_t matched = 0;
  std::size_t made = 0;
  std::size_t failed = 0;
  std::size_t side_by_side = 0;
};

// Takes documents whose users are u0, u1 and so on.
struct Users {
  static constexpr std::size_t kTable = 1000;
  const char* text;
  const std::vector<JsonToken>& tokens;
  std::size_t documents = 0;
  std::size_t matched = 0;
  std::size_t wrong = 0;
  std::array<std::string_view, kTable> texts = {};
  std::array<std::string_view, kTable> values = {};
  std::array<std::string_view*, 1> all_values = {values.data()};
  std::array<JsonToken::Kind, 1> kinds = {};

  void look_at(std::string_view value) {
    wrong += value == "u" + std::to_string(documents) ? 0 : 1;
    ++matched;
    ++documents;
  }
  // As of tables that are taken when they are full.
  [[nodiscard]] std::size_t room() const { return kTable - documents % kTable; }
  bool take(std::size_t /*begin*/, std::size_t /*end*/) {
    look_at(tokens[0].text);
    return documents % kTable != 0;
  }
  JsonColumns::Places places(std::size_t begin) {
    return {text + begin, texts.data(), all_values, kinds};
  }
  void took(std::size_t count) {
    wrong += kinds[0] == JsonToken::Kind::kString ? 0 : 1;
    for (std::size_t i = 0; i < count; ++i) look_at(values[i]);
  }
};

// What shapes do with a text of lines, the i-th of which has the key "k" + key(i).
template <class Key>
Work work_of(std::size_t lines, Key key) {
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) {
    text += "{\"user\":\"u" + std::to_string(i) + "\",\"k" + std::to_string(key(i)) + "\":1}\n";
  }
  const Texts pointers = {"/user"};
  JsonSkimmer skimmer(pointers);
  skimmer.begin(text);
  JsonShapes shapes;
  shapes.begin(text);
  std::vector<JsonToken> tokens(pointers.size() + 1);
  Users users{text.data(), tokens};
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = shapes.match(at, JsonLines::kEnd, tokens);
    if (end != JsonShapes::kNoMatch) {
      users.take(at, end);
    } else {
      const auto skimmed = skimmer.skim(at, JsonLines::kEnd);
      REQUIRE(skimmed.verdict == JsonSkimmer::Verdict::kPlain);
      end = skimmed.end;
      ++users.documents;
      shapes.missed(at, end, skimmer.tokens());
    }
    at = shapes.match_alike<JsonLines::kEnd>(end + 1, tokens, users);
    if (text[at] == '\n') ++at;  // behind a window
  }
  CHECK(users.documents == lines);
  CHECK(users.wrong == 0);
  return {.documents = users.documents,
          .matched = users.matched,
          .made = shapes.made(),
          .failed = shapes.failed(),
          .side_by_side = shapes.side_by_side()};
}

constexpr std::size_t kManyLines = 100000;

}  // namespace

TEST_CASE("documents that look alike are what each of them is by itself") {
  std::mt19937 random(17);
  std::size_t wrong = 0;
  std::size_t right = 0;
  for (int round = 0; round < 250; ++round) {
    // Few that are odd: so many are compared side by side.
    const unsigned odd = round < 150 ? kOften : 20U << round % 6;
    const NamedTexts& fields = wanted_fields()[random() % wanted_fields().size()];
    const std::string end = random() % 4 == 0 ? "\r\n" : "\n";
    JsonCutter cutter(fields);
    // What is known of one text is known of the next.
    for (int texts = 0; texts < 2; ++texts) {
      std::string text;
      Texts expected;
      for (const std::string& document : random_lines(random, false, odd)) {
        const std::size_t base = text.size();
        text += document + end;
        // By lines: a line feed may have got into a document.
        const std::string lines = text.substr(base);
        for (std::size_t at = 0; at < lines.size();) {
          const std::size_t next = lines.find('\n', at) + 1;
          JsonCutter alone(fields);
          for (std::string& one : cut(alone, fields.size(), lines.substr(at, next - at),
                                      JsonFraming::kLines, base + at)) {
            expected.push_back(std::move(one));
          }
          at = next;
        }
      }
      const Texts found = cut(cutter, fields.size(), text, JsonFraming::kLines);
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        REQUIRE(found[i] == expected[i]);
        ++(found[i].starts_with('{') ? right : wrong);
      }
    }
  }
  CHECK(right > 10000);
  CHECK(wrong > 1000);
}

TEST_CASE("documents of many lines that look alike, one after the other and in an array") {
  std::mt19937 random(19);
  for (int round = 0; round < 100; ++round) {
    const NamedTexts& fields = wanted_fields()[random() % wanted_fields().size()];
    std::string documents;
    std::string array;
    Texts expected;
    for (const std::string& document : random_lines(random, true)) {
      JsonCutter alone(fields);
      Texts one = cut(alone, fields.size(), document, JsonFraming::kDocuments);
      if (one.size() != 1 || !one.front().starts_with('{') || one.front().size() < document.size())
        continue;
      documents += document + (random() % 2 == 0 ? "\n" : "");
      array += (array.empty() ? "[" : " ,\n") + document;
      expected.push_back(std::move(one.front()));
    }
    if (expected.empty()) continue;
    JsonCutter cutter(fields);
    CHECK(cut(cutter, fields.size(), documents, JsonFraming::kDocuments) == expected);
    CHECK(cut(cutter, fields.size(), array + "]", JsonFraming::kArray) == expected);
    CHECK(cut(cutter, fields.size(), array + "]", JsonFraming::kUnknown) == expected);
    // A shape that has a line feed in it is none of a line.
    Texts lines;
    for (std::size_t at = 0; at < documents.size();) {
      const std::size_t next = std::min(documents.find('\n', at), documents.size() - 1) + 1;
      JsonCutter alone(fields);
      for (std::string& one :
           cut(alone, fields.size(), documents.substr(at, next - at), JsonFraming::kLines, at)) {
        lines.push_back(std::move(one));
      }
      at = next;
    }
    CHECK(cut(cutter, fields.size(), documents, JsonFraming::kLines) == lines);
  }
}

TEST_CASE("after the first documents the others match, at every vector level") {
  std::string text;
  for (int i = 0; i < 2000; ++i) {
    text += "{\"id\":" + std::to_string(i) + ",\"user\":{\"name\":\"n" + std::to_string(i * i) +
            "\"},\"tags\":[\"x\",{}],\"ok\":" + (i % 2 == 0 ? "true" : "null") + "}\n";
  }
  const Texts pointers = {"/user/name", "/id"};
  JsonSkimmer skimmer(pointers);
  skimmer.begin(text);
  const auto first = skimmer.skim(0, JsonLines::kEnd);
  REQUIRE(first.verdict == JsonSkimmer::Verdict::kPlain);
  const std::vector<JsonToken> found(skimmer.tokens().begin(), skimmer.tokens().end());
  for (int level = 1; level <= static_cast<int>(best_vector_level()); ++level) {
    CAPTURE(level);
    JsonShapes shapes(static_cast<VectorLevel>(level));
    shapes.begin(text);
    std::vector<JsonToken> tokens(pointers.size() + 1);
    CHECK(shapes.match(0, JsonLines::kEnd, tokens) == JsonShapes::kNoMatch);
    shapes.missed(0, first.end, found);
    std::size_t at = first.end + 1;
    int i = 1;
    for (; at < text.size(); ++i) {
      const std::size_t end = shapes.match(at, JsonLines::kEnd, tokens);
      if (end == JsonShapes::kNoMatch) break;
      CHECK(tokens[0].text == "n" + std::to_string(i * i));
      CHECK(tokens[1].text == std::to_string(i));
      CHECK(text[end] == '\n');
      at = end + 1;
    }
    CHECK(i > 1980);  // all but the last few hundred bytes
  }
}

TEST_CASE("shapes that come in turn, or in runs, are made once, and almost all documents match") {
  if (best_vector_level() == VectorLevel::kPlain) return;
  for (const std::size_t run : {1U, 50U}) {
    for (const std::size_t shapes : {1U, 2U, 4U, 6U, 16U}) {
      CAPTURE(run);
      CAPTURE(shapes);
      const Work work =
          work_of(kManyLines, [&](std::size_t i) { return 10 + i / run % shapes; });  // one length
      CHECK(work.made == shapes);
      CHECK(work.matched > kManyLines - 100);
      const bool is_in_turn = run == 1 && shapes > 1;
      CHECK(work.side_by_side >= (is_in_turn ? 0 : kManyLines / (shapes == 1 ? 10 : 20) * 9));
      // In turn none fails once all are known; else some where a run ends.
      CHECK(work.failed < (run == 1 ? 500 : kManyLines / run * shapes));
    }
  }
}

TEST_CASE("shapes that are met by chance, or never again, cost little more than they save") {
  if (best_vector_level() == VectorLevel::kPlain) return;
  std::mt19937 random(23);
  const auto check = [](const char* what, const Work& work) {
    CAPTURE(what);
    // What matches pay for, and what is tried on credit every few thousand documents.
    CHECK(3 * work.failed < 2 * work.matched + work.documents / 4 + 2000);
    CHECK(work.made < work.matched / 128 + work.documents / 256 + 20);
  };
  for (const std::size_t shapes : {2U, 3U, 4U, 6U, 20U, 100U}) {
    check("one of some", work_of(kManyLines, [&](std::size_t) { return random() % shapes; }));
    check("too many in turn",
          work_of(kManyLines, [&](std::size_t i) { return i % (16 + shapes); }));
  }
  check("never alike", work_of(kManyLines, [&](std::size_t i) { return i; }));
  check("often alike", work_of(kManyLines, [&](std::size_t i) { return i % 10 == 0 ? i : 0; }));
  check("alike for a while", work_of(kManyLines, [&](std::size_t i) { return i / 300 % 2 * i; }));
  const Work late = work_of(2 * kManyLines, [&](std::size_t i) { return i < kManyLines ? i : 0; });
  check("alike in the end", late);
  CHECK(late.matched > kManyLines / 2);
}

TEST_SUITE_END();

}  // namespace gorun::test::json_shapes_test
