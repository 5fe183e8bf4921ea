// tests/jobs/records/json_cutter_test.cc - JSON documents of a text: the pass that skims them
// against a parser that makes a tree of each, on texts that are right and on texts that are not.

#include "jobs/records/json_cutter.h"

#include <doctest/doctest.h>
#include <re2/re2.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/records/record_borders.h"
#include "tests/jobs/records/cut_all.h"

namespace gorun::test::json_cutter_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

TEST_SUITE_BEGIN("jobs/records/json_cutter");

namespace {

using Texts = std::vector<std::string>;

struct Cut {
  Texts records;  // "document|value|value", "-" for no value, "#" behind a number
  Texts wrong;    // "offset: what"
  friend bool operator==(const Cut&, const Cut&) = default;
};

Cut cut(std::string_view text, const NamedTexts& fields, JsonFraming framing) {
  JsonCutter cutter(fields);
  RecordTable table;
  table.set_names(Texts(fields.size()));
  cutter.begin(text, framing);
  Cut all;
  cut_all(
      cutter, table, text,
      [&](const Rows& rows, std::size_t i) {
        std::string& record = all.records.emplace_back(rows.records.texts[i]);
        for (const Column& column : rows.columns) {
          const std::string_view value = column.values[i];
          record += value.data() == nullptr ? "|-" : "|" + std::string(value);
          if (value.data() != nullptr && column.types[i] == FieldType::kNumber) record += '#';
        }
      },
      [&](const auto& wrong) {
        all.wrong.push_back(std::to_string(wrong.offset) + ": " + wrong.what);
      });
  return all;
}

// A value that is JSON, with all that RFC 8259 allows.
std::string random_value(std::mt19937& random, int depth) {
  static const Texts kScalars = {"0",
                                 "-0",
                                 "7",
                                 "-12",
                                 "3.50",
                                 "1e3",
                                 "-0.0",
                                 "2E-2",
                                 "true",
                                 "false",
                                 "null",
                                 R"("")",
                                 R"("a")",
                                 R"("\n")",
                                 R"("\u00e9")",
                                 "\"\xc3\xa9\"",
                                 "123456789012345678",
                                 "1234567890123456789",
                                 "18446744073709551615",
                                 "-123456789012345678901234567890",
                                 "1e400",
                                 R"("a long string of more than sixteen bytes")",
                                 R"("\"\\")",
                                 R"("\ud83d\ude00")"};
  static const Texts kKeys = {
      "a", "b", "c", "a/b", "m~n", "", "a key that does not fit two words", "\\u0061"};
  static const Texts kBlanks = {"", "", "", " ", "\t ", "\r"};
  const auto blank = [&] { return kBlanks[random() % kBlanks.size()]; };
  if (depth == 0 || random() % 3 == 0) return kScalars[random() % kScalars.size()];
  const bool is_object = random() % 3 != 0;
  std::string text = is_object ? "{" : "[";
  const auto count = random() % 5;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += ",";
    text += blank();
    if (is_object) text += '"' + kKeys[random() % kKeys.size()] + '"' + blank() + ":" + blank();
    text += random_value(random, depth - 1) + blank();
  }
  return text + (is_object ? "}" : "]");
}

// What a tree of the document says, in the form of cut().
std::string by_tree(const JsonDocument& document, std::string_view text, const NamedTexts& fields) {
  std::string record(text);
  for (const auto& [name, pointer] : fields) {
    const auto value = document.find(pointer);
    record += value ? "|" + value->text : "|-";
    if (value && value->type == FieldType::kNumber) record += '#';
  }
  return record;
}

}  // namespace

TEST_CASE("wanted values are what a tree holds") {
  const std::vector<NamedTexts> wanted = {
      {{"a", "/a"}},
      {{"ab", "/a/b"}, {"c", "/c/c/a"}, {"b", "/b"}},
      {{"slash", "/a~1b"}, {"tilde", "/m~0n"}, {"empty", "/"}, {"a", "/a"}, {"again", "/a"}},
      {{"long", "/a key that does not fit two words"}, {"first", "/b/0"}},
      {{"all", ""}},
      {}};
  std::mt19937 random(3);
  JsonDocument document;
  for (int round = 0; round < 4000; ++round) {
    const NamedTexts& fields = wanted[random() % wanted.size()];
    std::string text;
    Texts expected;
    for (auto n = 1 + random() % 4; n > 0; --n) {
      const std::string one = random_value(random, 4);
      text += one + "\n";
      CAPTURE(one);
      REQUIRE(!document.parse(one));
      expected.push_back(by_tree(document, one, fields));
    }
    if (round % 2 == 0) text.pop_back();
    CAPTURE(text);
    CHECK(cut(text, fields, JsonFraming::kLines) == Cut{expected, {}});
    CHECK(cut(text, fields, JsonFraming::kDocuments) == Cut{expected, {}});
  }
}

TEST_CASE("what is no JSON is told, whichever byte is wrong") {
  std::mt19937 random(5);
  JsonDocument document;
  const NamedTexts fields = {{"a", "/a"}};
  int wrong = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string text = random_value(random, 3);
    // One byte is changed, left out or put in.
    const std::size_t at = random() % text.size();
    const char byte = "{}[]\",:\\ 1.-eut\x01\xff"[random() % 17];
    if (round % 3 == 0) text[at] = byte;
    if (round % 3 == 1) text.erase(at, 1);
    if (round % 3 == 2) text.insert(at, 1, byte);
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) continue;
    // A number that no type of ours holds is JSON, and wrong for the parser, which looks at all.
    static const RE2 kOutOfRange(R"([0-9]{19}|[eE][-+]?[0-9]{3})");
    if (RE2::PartialMatch(text, kOutOfRange)) continue;
    CAPTURE(text);
    const bool is_right = !document.parse(text);
    const Cut found = cut(text, fields, JsonFraming::kLines);
    // Several documents may stand in one line: each then is one.
    if (is_right) {
      CHECK(found.records.size() == 1);
      CHECK(found.wrong.empty());
    } else {
      wrong += found.wrong.empty() ? 0 : 1;
      CHECK((!found.wrong.empty() || found.records.size() > 1));
      for (const std::string& record : found.records) {
        CHECK(!document.parse(record.substr(0, record.rfind('|'))));
      }
    }
  }
  CHECK(wrong > 1000);
}

TEST_CASE("a document that is wrong costs its line") {
  const NamedTexts fields = {{"a", "/a"}};
  const Cut found = cut("{\"a\":1}\n{\"a\":tru}\n{\"a\":2\n{\"a\":3}{\"a\":4} {\"a\":5}\n", fields,
                        JsonFraming::kLines);
  CHECK(found.records == Texts{"{\"a\":1}|1#", "{\"a\":3}|3#", "{\"a\":4}|4#", "{\"a\":5}|5#"});
  REQUIRE(found.wrong.size() == 2);
  CHECK(found.wrong[0] == "16: unexpected \"}\" in JSON");
  CHECK(found.wrong[1].starts_with("24: the line ends inside a JSON document"));
  const Cut bytes = cut("{\"a\":\"\xff\"}\n{\"a\":\"\xc3\xa9\"}\n", fields, JsonFraming::kLines);
  CHECK(bytes.records == Texts{"{\"a\":\"\xc3\xa9\"}|\xc3\xa9"});
  CHECK(bytes.wrong == Texts{"0: the JSON document is not UTF-8"});
  CHECK(cut(std::string_view("\0", 1), fields, JsonFraming::kLines).wrong ==
        Texts{"0: unexpected \"\\x00\" in JSON"});
  const Cut deep =
      cut(std::string(2000, '[') + std::string(2000, ']'), fields, JsonFraming::kLines);
  CHECK(deep.records.empty());
  CHECK(deep.wrong.size() == 1);
}

TEST_CASE("documents of many lines, and the elements of an array") {
  const NamedTexts fields = {{"a", "/a"}};
  const std::string lines = "\xef\xbb\xbf{\n \"a\": 1\n}\n{\"a\":\n2}";
  CHECK(cut(lines, fields, JsonFraming::kDocuments).records ==
        Texts{"{\n \"a\": 1\n}|1#", "{\"a\":\n2}|2#"});
  const std::string array = " [{\"a\": 1},\n {\"a\": \"x,]\"} , 3]\n";
  const Texts elements = {"{\"a\": 1}|1#", "{\"a\": \"x,]\"}|x,]", "3|-"};
  CHECK(cut(array, fields, JsonFraming::kUnknown) == Cut{elements, {}});
  CHECK(cut(array, fields, JsonFraming::kArray) == Cut{elements, {}});
  CHECK(cut("[]", fields, JsonFraming::kUnknown) == Cut{});
  CHECK(cut("[1]\n[2]\n", fields, JsonFraming::kUnknown).records == Texts{"[1]|-", "[2]|-"});
  CHECK(cut("[1]\n", fields, JsonFraming::kLines).records == Texts{"[1]|-"});
  for (const std::string_view wrong : {"[1 2]", "[1,]", "[,1]", "[1]2", "{}", "[1}"}) {
    CAPTURE(wrong);
    CHECK(cut(wrong, fields, JsonFraming::kArray).wrong.size() == 1);
  }
}

TEST_CASE("an array that comes in pieces has the same elements") {
  const NamedTexts fields = {{"a", "/a"}};
  const std::string text =
      "[ {\"a\": [1,2,{\"b\":\",\"}]} ,\n\"]\\\",\", {\"a\": 4} , [5,6], 7 ]\n";
  const Cut whole = cut(text, fields, JsonFraming::kArray);
  CHECK(whole.records.size() == 5);
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    JsonBorders borders;
    Cut all;
    std::size_t begin = 0;
    const auto take = [&](std::size_t end) {
      const Cut part = cut(std::string_view(text).substr(begin, end - begin), fields,
                           begin == 0 ? JsonFraming::kArray : JsonFraming::kElements);
      all.records.insert(all.records.end(), part.records.begin(), part.records.end());
      all.wrong.insert(all.wrong.end(), part.wrong.begin(), part.wrong.end());
      begin = end;
    };
    for (std::size_t at = 0; at < text.size(); at += piece) {
      const std::size_t border = borders.last_border(std::string_view(text).substr(at, piece));
      if (border > 0) take(at + border);
    }
    take(text.size());
    CAPTURE(piece);
    CHECK(all == whole);
    CHECK(borders.is_array());
    CHECK(borders.wrong_at_end().empty());
  }
  JsonBorders open;
  CHECK(open.last_border("[1,2") == 3);
  CHECK(!open.wrong_at_end().empty());
}

TEST_SUITE_END();

}  // namespace gorun::test::json_cutter_test
