#include "jobs/diagnostic.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace gorun::jobs::diagnostic_test {

namespace {

Diagnostic at(std::size_t begin, std::size_t end) {
  return {.where = ByteRange{begin, end}, .what = "wrong", .hint = {}};
}

}  // namespace

TEST_SUITE("jobs/diagnostic") {
  TEST_CASE("the caret stands under the culprit") {
    struct Row {
      std::string_view text;
      ByteRange where;
      std::string_view shown;
    };
    const Row rows[] = {
        {"abc", {1, 2}, "f:1:2: error: wrong\n  1 | abc\n    |  ^\n"},
        {"abc", {0, 3}, "f:1:1: error: wrong\n  1 | abc\n    | ^~~\n"},
        {"abc", {3, 3}, "f:1:4: error: wrong\n  1 | abc\n    |    ^\n"},
        {"abc", {1, 1}, "f:1:2: error: wrong\n  1 | abc\n    |  ^\n"},
        {"a\tb\tc", {4, 5}, "f:1:5: error: wrong\n  1 | a\tb\tc\n    |  \t \t^\n"},
        {"\xc3\xa9\xc3\xa9x", {4, 5}, "f:1:3: error: wrong\n  1 | \xc3\xa9\xc3\xa9x\n    |   ^\n"},
        {"\xc3\xa9\xc3\xa9", {2, 4}, "f:1:2: error: wrong\n  1 | \xc3\xa9\xc3\xa9\n    |  ^\n"},
        {"{\r\n  1\r\n}", {5, 6}, "f:2:3: error: wrong\n  2 |   1\n    |   ^\n"},
        {"a {\n}\n", {2, 5}, "f:1:3: error: wrong\n  1 | a {\n    |   ^\n"},
        {"a\n", {2, 2}, "f:2:1: error: wrong\n  2 | \n    | ^\n"},
        {"1\n2\n3\n4\n5\n6\n7\n8\n9\nx", {18, 19}, "f:10:1: error: wrong\n  10 | x\n     | ^\n"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      CHECK(render(Source("f", std::string(row.text)), at(row.where.begin, row.where.end)) ==
            row.shown);
    }
  }

  TEST_CASE("a long line is cut around the culprit") {
    const std::string dots(1000, '.');
    const Source source("f", dots + "X" + dots);
    CHECK(render(source, at(1000, 1001)) ==
          "f:1:1001: error: wrong\n"
          "  1 | ..." +
              std::string(60, '.') + "X" + std::string(59, '.') + "...\n" + "    |    " +
              std::string(60, ' ') + "^\n");
  }

  TEST_CASE("a file cannot drive the terminal") {
    // ESC, DEL, a C1 control, a right-to-left override, a byte that is not UTF-8.
    const Source source("f", "\x1b[1m\x7f\xc2\x9b\xe2\x80\xae\xff.");
    CHECK(render(source, at(11, 12)) ==
          "f:1:9: error: wrong\n"
          "  1 | ?[1m????.\n"
          "    |         ^\n");
  }

  TEST_CASE("mistakes come in file order, with the number of those not shown") {
    const Source source("f", std::string(40, 'x'));
    Diagnostics errors;
    for (std::size_t i = 0; i < 22; ++i) errors.push_back(at(30 - i, 31 - i));
    errors.push_back({.where = std::nullopt, .what = "all wrong", .hint = "start again"});
    const std::string text = render(source, errors);
    CHECK(text.starts_with("f: error: all wrong\n  hint: start again\nf:1:10: error: wrong\n"));
    CHECK(text.find("f:1:28: error") != std::string::npos);
    CHECK(text.find("f:1:29: error") == std::string::npos);
    CHECK(text.ends_with("^\n... and 3 more\ngorun: 23 errors; nothing was run\n"));
  }

  TEST_CASE("a wrong command line is not blamed on the file") {
    const Diagnostic error{
        .where = std::nullopt, .what = "--set: no", .hint = {}, .culprit = Culprit::kCommandLine};
    CHECK(render(Source("f", ""), Diagnostics{error}) ==
          "gorun: error: --set: no\ngorun: 1 error; nothing was run\n");
  }

  TEST_CASE("a result is a value or its mistakes") {
    const Result<int> good = 7;
    CHECK(good.ok());
    CHECK(*good == 7);
    const Result<int> bad = at(0, 1);
    CHECK_FALSE(bad.ok());
    CHECK(bad.errors().size() == 1);
    CHECK_THROWS_AS(static_cast<void>(bad.value()), std::bad_variant_access);
  }
}

}  // namespace gorun::jobs::diagnostic_test
