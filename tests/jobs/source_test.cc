#include "jobs/source.h"

#include <doctest/doctest.h>

#include <string>

namespace gorun::jobs {

TEST_SUITE("jobs/source") {
  TEST_CASE("a place counts lines from LF and columns in code points") {
    struct Row {
      const char* text;
      std::size_t offset;
      Position position;
    };
    const Row rows[] = {
        {"", 0, {1, 1}},
        {"abc", 0, {1, 1}},
        {"abc", 3, {1, 4}},
        {"abc", 99, {1, 4}},  // past the end is the end
        {"a\nb", 1, {1, 2}},  // the LF ends its own line
        {"a\nb", 2, {2, 1}},
        {"a\n", 2, {2, 1}},     // after the last LF is a line, an empty one
        {"a\r\nb", 1, {1, 2}},  // so does the CR before it
        {"a\r\nb", 3, {2, 1}},
        {"a\rb", 2, {1, 3}},       // a CR alone is a character
        {"\t\tx", 2, {1, 3}},      // a tab is one column
        {"\xc3\xa9x", 2, {1, 2}},  // é
        {"\xe6\x97\xa5x", 3, {1, 2}},
        {"\xf0\x9f\x98\x80x", 4, {1, 2}},
        {"e\xcc\x81x", 3, {1, 3}},  // a combining mark is a code point
        {"x\n\xe6\x97\xa5\ty", 6, {2, 3}},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      CAPTURE(row.offset);
      CHECK(to_string(Source("f", row.text).position(row.offset)) == to_string(row.position));
    }
  }

  TEST_CASE("columns are right across the blocks of the index") {
    // Three bytes a character: blocks of 4096 bytes begin in the middle of one.
    std::string text = "first\n";
    for (int i = 0; i < 10'000; ++i) text += "\xe6\x97\xa5";
    const Source source("f", text);
    for (const std::size_t i : {0U, 1U, 1363U, 1364U, 1365U, 2730U, 2731U, 9'999U, 10'000U}) {
      CAPTURE(i);
      CHECK(source.position(6 + 3 * i) == Position{2, i + 1});
    }
  }

  TEST_CASE("a line has neither its LF nor its CRLF") {
    const Source source("f", "ab\ncd\r\n\r\n\nend");
    CHECK(source.line_count() == 5);
    CHECK(source.slice(source.line_range(1)) == "ab");
    CHECK(source.slice(source.line_range(2)) == "cd");
    CHECK(source.slice(source.line_range(3)) == "");
    CHECK(source.slice(source.line_range(4)) == "");
    CHECK(source.slice(source.line_range(5)) == "end");
  }
}

}  // namespace gorun::jobs
