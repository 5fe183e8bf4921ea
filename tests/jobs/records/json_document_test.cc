#include "jobs/records/json_document.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "jobs/records/json_cutter.h"
#include "tests/jobs/records/cut_all.h"

namespace gorun::test::json_document_test {

using namespace gorun::jobs;  // NOLINT(google-build-using-namespace): the room under test

namespace {

// What a pointer finds in a text, "#" behind a number; "-": nothing.
std::string found_by(const std::string& pointer, std::string_view text) {
  JsonDocument document;
  REQUIRE(!document.parse(text));
  const auto value = document.find(pointer);
  if (!value) return "-";
  return value->text + (value->type == FieldType::kNumber ? "#" : "");
}

// The same by a record that is cut from a line.
std::string cut_by(const std::string& pointer, std::string_view text) {
  const NamedTexts fields = {{"field", pointer}};
  JsonCutter cutter(fields);
  RecordTable table;
  table.set_names({"field"});
  cutter.begin(text, JsonFraming::kLines);
  std::string found = "no record";
  cut_all(
      cutter, table, text,
      [&](const Rows& rows, std::size_t i) {
        const Column& column = rows.columns[0];
        const std::string_view value = column.values[i];
        found = value.data() == nullptr ? "-" : std::string(value);
        if (value.data() != nullptr && column.types[i] == FieldType::kNumber) found += '#';
      },
      [&](const auto& wrong) { found = wrong.what; });
  return found;
}

struct Case {
  std::string_view text;
  std::string pointer;
  std::string value;
};

}  // namespace

TEST_SUITE_BEGIN("jobs/records/json_document");

// As jq, Python's json and JavaScript have it.
TEST_CASE("of a key that comes twice the last value counts") {
  const std::vector<Case> cases = {{R"({"a": 1, "a": 2})", "/a", "2#"},
                                   {R"({"a": 1, "b": 3, "a": "x", "c": 4})", "/a", "x"},
                                   {R"({"a": 1, "\u0061": 2})", "/a", "2#"},
                                   {R"({"\u0061": 1, "a": 2})", "/a", "2#"},
                                   {R"({"a": {"b": 1}, "a": {"b": 2}})", "/a/b", "2#"},
                                   {R"({"a": {"b": 1}, "a": {"c": 2}})", "/a/b", "-"},
                                   {R"({"a": {"b": 1}, "a": 5})", "/a/b", "-"},
                                   {R"({"a": 5, "a": {"b": 1}})", "/a/b", "1#"},
                                   {R"({"a": {"b": 1, "b": 2}})", "/a/b", "2#"},
                                   {R"({"a": {"b": 1, "b": 2}})", "/a", R"({"b":1,"b":2})"},
                                   {R"({"a": 1, "a": null})", "/a", "null"},
                                   {R"({"": 1, "": 2})", "/", "2#"},
                                   {R"({"m~n": 1, "a/b": 2, "m~n": 3, "a/b": 4})", "/m~0n", "3#"},
                                   {R"({"m~n": 1, "a/b": 2, "m~n": 3, "a/b": 4})", "/a~1b", "4#"},
                                   {R"([{"a": 1, "a": 2}, {"a": 3, "a": 4}])", "/1/a", "4#"},
                                   {R"({"a": [1, 2], "a": [3, 4]})", "/a/1", "4#"},
                                   {R"({"a": [1, 2], "a": [3]})", "/a/1", "-"}};
  for (const Case& one : cases) {
    CAPTURE(one.text);
    CAPTURE(one.pointer);
    CHECK(found_by(one.pointer, one.text) == one.value);
    CHECK(cut_by(one.pointer, one.text) == one.value);
    // With a number that no tree can hold.
    const std::string padded = "{\"in\": " + std::string(one.text) + ", \"n\": 1e999}";
    CHECK(found_by("/in" + one.pointer, padded) == one.value);
    CHECK(cut_by("/in" + one.pointer, padded) == one.value);
  }
}

TEST_CASE("values of any type are found beside a number that no tree can hold") {
  const std::string_view text = R"( {"n": -123456789012345678901234567890 , "s": "\u0061\n",
      "t": true, "u": null, "d": 1.50, "o": { "x" : [ 1 , "\u0062" ] }, "e": "", "a": [[],{}]} )";
  const std::vector<Case> cases = {{text, "/n", "-123456789012345678901234567890#"},
                                   {text, "/s", "a\n"},
                                   {text, "/t", "true"},
                                   {text, "/u", "null"},
                                   {text, "/d", "1.5#"},
                                   {text, "/o", R"({"x":[1,"\u0062"]})"},
                                   {text, "/o/x/1", "b"},
                                   {text, "/o/x/2", "-"},
                                   {text, "/o/x/01", "-"},
                                   {text, "/o/y", "-"},
                                   {text, "/t/x", "-"},
                                   {text, "/e", ""},
                                   {text, "/a/0", "[]"},
                                   {text, "/a/1", "{}"},
                                   {"1e999", "", "1e999#"},
                                   {"1e999", "/a", "-"},
                                   {"[ 1e999 ]", "", "[1e999]"}};
  for (const Case& one : cases) {
    CAPTURE(one.text);
    CAPTURE(one.pointer);
    CHECK(found_by(one.pointer, one.text) == one.value);
  }
}

TEST_SUITE_END();

}  // namespace gorun::test::json_document_test
