#include "jobs/json_value.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace gorun::jobs::json_value_test {

namespace {

// "TYPE LINE:COLUMN-END_LINE:END_COLUMN" of every key and value, one a line, depth first.
void outline(const Source& source, const JsonValue& value, std::string* out) {
  const auto places = [&](ByteRange where) {
    return to_string(source.position(where.begin)) + "-" + to_string(source.position(where.end));
  };
  *out += std::string(value.type_phrase()) + " " + places(value.where) + "\n";
  if (value.array()) {
    for (const JsonValue& element : *value.array()) outline(source, element, out);
  }
  if (value.object()) {
    for (const JsonMember& member : *value.object()) {
      *out += member.key + " " + places(member.key_where) + "\n";
      outline(source, member.value, out);
    }
  }
}

std::string outline(std::string_view text) {
  const Source source("f", std::string(text));
  const ParsedJson parsed = parse_json(source);
  if (!parsed.root) return render(source, parsed.errors);
  std::string out;
  outline(source, *parsed.root, &out);
  return out;
}

JsonValue parse(const Source& source) {
  ParsedJson parsed = parse_json(source);
  REQUIRE(parsed.root);
  CHECK(parsed.errors.empty());
  return std::move(*parsed.root);
}

}  // namespace

TEST_SUITE("jobs/json_value") {
  TEST_CASE("every key and every value knows its bytes") {
    struct Row {
      std::string_view text;
      std::string_view outline;
    };
    const Row rows[] = {
        {"7", "a number 1:1-1:2\n"},
        {" -0.5e+3 ", "a number 1:2-1:9\n"},
        {"null", "null 1:1-1:5\n"},
        {"true", "true 1:1-1:5\n"},
        {"false", "false 1:1-1:6\n"},
        {"\"\"", "a string 1:1-1:3\n"},
        {R"("a\"\\")", "a string 1:1-1:8\n"},
        {R"("\ud83d\ude00")", "a string 1:1-1:15\n"},
        {"[]", "an array 1:1-1:3\n"},
        {"{ }", "an object 1:1-1:4\n"},
        {"[1 ,2,\"x\" , []]",
         "an array 1:1-1:16\na number 1:2-1:3\na number 1:5-1:6\na string 1:7-1:10\n"
         "an array 1:13-1:15\n"},
        {"{\"a\":1,\"b\" : {\"c\":[true,null]} }",
         "an object 1:1-1:33\na 1:2-1:5\na number 1:6-1:7\nb 1:8-1:11\nan object 1:14-1:31\n"
         "c 1:15-1:18\nan array 1:19-1:30\ntrue 1:20-1:24\nnull 1:25-1:29\n"},
        {"{\r\n\t\"a\": 1,\r\n\t\"b\": 2\r\n}\r\n",
         "an object 1:1-4:2\na 2:2-2:5\na number 2:7-2:8\nb 3:2-3:5\na number 3:7-3:8\n"},
        {"{\"\xe6\x97\xa5\": \"\xc3\xa9\", \"x\": 1}",
         "an object 1:1-1:19\n\xe6\x97\xa5 1:2-1:5\na string 1:7-1:10\nx 1:12-1:15\n"
         "a number 1:17-1:18\n"},
        {"// one, \"two\": {\n[ /* , : ] */ 1 /**/ , // x\n2 ] // end",
         "an array 2:1-3:4\na number 2:15-2:16\na number 3:1-3:2\n"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      CHECK(outline(row.text) == row.outline);
    }
  }

  TEST_CASE("numbers keep all their digits") {
    const Source source("f",
                        "[9223372036854775807, -9223372036854775808, 18446744073709551615, 1.5,"
                        " 1e2, -0]");
    const JsonValue root = parse(source);
    const JsonArray& numbers = *root.array();
    CHECK(*numbers[0].integer() == INT64_MAX);
    CHECK(*numbers[1].integer() == INT64_MIN);
    CHECK(std::get<std::uint64_t>(numbers[2].content) == UINT64_MAX);
    CHECK(std::get<double>(numbers[3].content) == 1.5);
    CHECK(std::get<double>(numbers[4].content) == 100.0);
    CHECK(*numbers[5].integer() == 0);
  }

  TEST_CASE("texts are decoded and members stay in file order") {
    const Source source("f", R"({"z": "\u00e9\n\ud83d\ude00\/", "a": "x", "m": ""})");
    const JsonValue root = parse(source);
    const JsonObject& object = *root.object();
    REQUIRE(object.size() == 3);
    CHECK(object[0].key == "z");
    CHECK(*object[0].value.text() == "\xc3\xa9\n\xf0\x9f\x98\x80/");
    CHECK(object[1].key == "a");
    CHECK(object[2].key == "m");
    CHECK(find_member(object, "a") == &object[1]);
    CHECK(find_member(object, "b") == nullptr);
  }

  TEST_CASE("a key that is given twice keeps its first value and is blamed at the second") {
    const Source source("f", "{\"a\": 1,\n \"b\": {\"c\": 1, \"c\": 2},\n \"\\u0061\": 3}");
    const ParsedJson parsed = parse_json(source);
    REQUIRE(parsed.root);
    CHECK(parsed.root->object()->size() == 2);
    CHECK(*parsed.root->object()->front().value.integer() == 1);
    CHECK(render(source, parsed.errors) ==
          "f:2:16: error: duplicate key \"c\"\n"
          "  2 |  \"b\": {\"c\": 1, \"c\": 2},\n"
          "    |                ^~~\n"
          "  hint: it is first given at 2:8\n"
          "f:3:2: error: duplicate key \"a\"\n"
          "  3 |  \"\\u0061\": 3}\n"
          "    |  ^~~~~~~~\n"
          "  hint: it is first given at 1:2\n"
          "gorun: 2 errors; nothing was run\n");
  }

  TEST_CASE("nesting is bounded") {
    const auto nested = [](std::size_t depth) {
      return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(parse_json(Source("f", nested(kMaxJsonDepth))).root.has_value());
    const Source deep("f", nested(kMaxJsonDepth + 1));
    const ParsedJson parsed = parse_json(deep);
    CHECK_FALSE(parsed.root.has_value());
    REQUIRE(parsed.errors.size() == 1);
    CHECK(parsed.errors[0].what == "nested deeper than 64 levels");
    CHECK(deep.position(parsed.errors[0].where->begin) == Position{1, 65});
    CHECK_FALSE(parse_json(Source("f", std::string(1'000'000, '['))).root.has_value());
  }

  TEST_CASE("a place inside a text is found through its escapes") {
    const Source source("f", R"(["a\tb\u00e9c\ud83d\ude00d", "plain"])");
    const JsonValue root = parse(source);
    const JsonValue& text = root.array()->front();
    for (const std::string_view letter : {"a", "b", "c", "d"}) {
      CAPTURE(letter);
      const std::size_t offset = text.text()->find(letter);
      CHECK(source.text().substr(offset_in_source(source, text.where, offset), 1) == letter);
    }
    const JsonValue& plain = root.array()->back();
    CHECK(offset_in_source(source, plain.where, 5) == plain.where.end - 1);
  }
}

}  // namespace gorun::jobs::json_value_test
