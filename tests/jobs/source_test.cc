#include "jobs/source.h"

#include <doctest/doctest.h>

#include <string>

namespace gorun::jobs::source_test {

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
    CHECK(source.slice(source.line_at(0)) == "ab");
    CHECK(source.slice(source.line_at(2)) == "ab");  // the LF ends its own line
    CHECK(source.slice(source.line_at(3)) == "cd");
    CHECK(source.slice(source.line_at(7)) == "");
    CHECK(source.slice(source.line_at(9)) == "");
    CHECK(source.slice(source.line_at(99)) == "end");
  }

  TEST_CASE("a place tells its file, however many there are") {
    Source source("a", "one\ntwo");
    const ByteRange b = source.append("b", "x\n\xe6\x97\xa5y\n");
    const ByteRange c = source.append("c", std::string(10'000, 'c') + "z");
    CHECK(source.slice(b) == "x\n\xe6\x97\xa5y\n");
    CHECK(source.last_file() == c);
    CHECK(source.name() == "a");
    struct Row {
      std::size_t offset;
      const char* place;
    };
    const Row rows[] = {{0, "a 1:1"},
                        {4, "a 2:1"},
                        {7, "a 2:4"},
                        {b.begin, "b 1:1"},
                        {b.begin + 5, "b 2:2"},
                        {b.end - 1, "b 2:3"},
                        {b.end, "b 3:1"},
                        {c.begin, "c 1:1"},
                        {c.end - 1, "c 1:10001"},
                        {c.end + 5, "c 1:10002"}};
    for (const Row& row : rows) {
      CAPTURE(row.offset);
      CHECK(source.file_name(row.offset) + " " + to_string(source.position(row.offset)) ==
            row.place);
    }
    CHECK(source.place(4, 0) == "2:1");
    CHECK(source.place(4, b.begin) == "a:2:1");
    CHECK(source.slice(source.line_at(b.begin + 2)) == "\xe6\x97\xa5y");
    CHECK(source.slice(source.line_at(5)) == "two");
  }

  TEST_CASE("hidden bytes are found by any range that touches them") {
    Source source("f", "0123456789");
    source.hide({3, 5});
    CHECK(source.is_hidden({0, 4}));
    CHECK(source.is_hidden({4, 5}));
    CHECK_FALSE(source.is_hidden({0, 3}));
    CHECK_FALSE(source.is_hidden({5, 10}));
  }
}

}  // namespace gorun::jobs::source_test
